// The numbers of the figure of log p(x) = ELBO(q) + KL(q || p(z | x)), on the toy of curve.js.
// The Python twin is lvm_lib.figures.elbo; tests hold the two together.

import { QuadraticCurve } from "./curve.js";
import { LOG_TWO_PI } from "./densities.js";

/** The posterior does not move while q alone does: it is kept until x or the curve moves. */
const known = new Map(); // one entry: state -> posterior

function posteriorOf(curve, x) {
  const key = `${x} ${curve.slope} ${curve.bend} ${curve.std}`;
  if (!known.has(key)) {
    known.clear();
    known.set(key, curve.exactPosterior(x));
  }
  return known.get(key);
}

/** All numbers of a state {x, slope, bend, std_noise, mean, std, kind, wrong}: the figure draws nothing else. */
export function numbers(state) {
  const { x, slope, bend, std_noise, kind, wrong = "none" } = state;
  const curve = new QuadraticCurve({ slope, bend, std: std_noise });
  const evidence = curve.evidence(x);
  const of = { x, slope, bend, std_noise, kind, wrong, evidence };
  const finish = (n) => ({ ...n, ...claimed(n, curve) });
  const exact = posteriorOf(curve, x);
  if (kind === "exact") {
    const { mean, std } = exact;
    return finish({ ...of, mean, std, ...curve.boundOfExact(x, exact, evidence), wide: 1, away: 0 });
  }
  const q = { mean: state.mean, std: state.std };
  const beside = { wide: q.std / exact.std, away: Math.abs(q.mean - exact.mean) / exact.std };
  const kl = curve.klOfGaussian(x, q, evidence);
  return finish({ ...of, ...q, ...curve.boundOfGaussian(x, q), kl, ...beside });
}

/** What is called the ELBO, by mistake or rightly, and how far ELBO + KL is then from the evidence. */
function claimed({ wrong, x, mean, elbo, kl, evidence, reconstruction, kl_prior, std_noise }, curve) {
  const claim =
    {
      normaliser: elbo + Math.log(std_noise) + 0.5 * LOG_TWO_PI,
      sign: reconstruction + kl_prior,
      mean: curve.logLikelihood(x, mean) - kl_prior,
    }[wrong] ?? elbo;
  return { claimed_elbo: claim, off: claim + kl - evidence };
}
