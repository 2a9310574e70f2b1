// Live figure 5: an image, q(z | x) on the plane of z, and what is decoded where the reader's z stands.

import { figure } from "../kit/figure.js";
import { build } from "./plane/build.js";

export { codecs } from "./plane/build.js";

export default figure("plane", "Live figure: the latent plane of a variational autoencoder", build);
