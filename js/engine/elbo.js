// The numbers of the figure of log p(x) = ELBO(q) + KL(q || p(z | x)), on the toy of curve.js.
// The Python twin is lvm_lib.figures.elbo; tests hold the two together.

import { QuadraticCurve } from "./curve.js";

/** All numbers of a state {x, slope, bend, std_noise, mean, std, kind}: the figure draws nothing else. */
export function numbers(state) {
  const { x, slope, bend, std_noise, kind } = state;
  const curve = new QuadraticCurve({ slope, bend, std: std_noise });
  const evidence = curve.evidence(x);
  const of = { x, slope, bend, std_noise, kind, evidence };
  if (kind === "exact") {
    const q = curve.exactPosterior(x);
    return { ...of, mean: q.mean, std: q.std, ...curve.boundOfExact(x, q, evidence) };
  }
  const q = { mean: state.mean, std: state.std };
  return { ...of, ...q, ...curve.boundOfGaussian(x, q), kl: curve.klOfGaussian(x, q, evidence) };
}
