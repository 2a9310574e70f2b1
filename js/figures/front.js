// The front page's figure: the latent plane, with z drawn from the prior and samples of p(x | z). Its links say
// "plane", as they always did.

import { figure } from "../kit/figure.js";
import { build } from "./plane/build.js";

export { codecs } from "./plane/build.js";

export default figure("front", "Live figure: the latent plane of a variational autoencoder, with samples", (kit) =>
  build({ ...kit, name: "plane" }),
);
