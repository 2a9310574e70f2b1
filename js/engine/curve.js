// The toy decoder: z ~ N(0, 1), x | z ~ N(g(z), std^2), g(z) = slope z + bend z^2 / 2.
//
// Three routes that share no arithmetic beyond the log joint density, so that log p(x) = ELBO + KL is a check:
//   evidence        trapezoid rule on a wide fine grid
//   ELBO            closed form in the moments of a Gaussian q, up to the fourth
//   KL(q || post.)  trapezoid rule on a grid that follows q
// The Python twin is lvm_lib.curve.QuadraticCurve; tests hold the two together.

import { entropyNormal, klNormal, LOG_TWO_PI, logNormal } from "./densities.js";
import { expectation, line, logIntegral, normalised } from "./quadrature.js";
import { top } from "./refine.js";

const WIDE = line(-20, 20, 2001); // evidence
const SUPPORT = line(-16, 16, 1601); // the exact q: other ends, other spacing
const REACH = 12; // the grid that follows a Gaussian q: mean +- 12 std
const FOLLOWING = 385; // its points: a spacing of std / 16
const [STARTS, START_STD] = [9, 0.4]; // where the search for the best Gaussian begins

export class QuadraticCurve {
  constructor({ slope = 1, bend = 0, std = 0.5 } = {}) {
    this.slope = slope;
    this.bend = bend;
    this.std = std;
  }

  decode(z) {
    return this.slope * z + 0.5 * this.bend * z * z;
  }

  logLikelihood(x, z) {
    return logNormal(x, this.decode(z), this.std);
  }

  logJoint(x, z) {
    return logNormal(z) + this.logLikelihood(x, z);
  }

  /** log p(x) by quadrature. */
  evidence(x, grid = WIDE) {
    return logIntegral((z) => this.logJoint(x, z), grid);
  }

  /** E_q (x - g(z))^2 for q = N(mean, std^2). */
  expectedSquare(x, { mean, std }) {
    const v = std * std;
    const rest = x - this.decode(mean) - 0.5 * this.bend * v; // E_q[x - g(z)]
    const tilt = this.slope + this.bend * mean; // g'(mean)
    return rest * rest + tilt * tilt * v + 0.5 * this.bend * this.bend * v * v;
  }

  /** The ELBO of a Gaussian q in closed form, with its parts. */
  boundOfGaussian(x, q) {
    const s2 = this.std * this.std;
    const reconstruction = -0.5 * LOG_TWO_PI - Math.log(this.std) - (0.5 * this.expectedSquare(x, q)) / s2;
    const kl_prior = klNormal(q.mean, q.std);
    const entropy = entropyNormal(q.std);
    const energy = reconstruction - 0.5 * (LOG_TWO_PI + q.mean * q.mean + q.std * q.std);
    return { elbo: reconstruction - kl_prior, reconstruction, kl_prior, energy, entropy };
  }

  /** KL(q || p(z | x)) of a Gaussian q by quadrature of q (log q - log posterior). */
  klOfGaussian(x, { mean, std }, evidence = this.evidence(x)) {
    const grid = line(mean - REACH * std, mean + REACH * std, FOLLOWING);
    const logQ = grid.points.map((z) => logNormal(z, mean, std));
    return expectation(logQ, (z, i) => logQ[i] - (this.logJoint(x, z) - evidence), grid);
  }

  /** The posterior itself as q: its log density on a grid of its own, and its first two moments. */
  exactPosterior(x, grid = SUPPORT) {
    const logQ = normalised((z) => this.logJoint(x, z), grid);
    const mean = expectation(logQ, (z) => z, grid);
    const std = Math.sqrt(expectation(logQ, (z) => (z - mean) ** 2, grid));
    return { grid, logQ, mean, std };
  }

  /** The ELBO of q = posterior by quadrature, with its parts, and the KL that is left. */
  boundOfExact(x, { grid, logQ }, evidence = this.evidence(x)) {
    const mean = (f) => expectation(logQ, f, grid);
    return {
      elbo: mean((z, i) => this.logJoint(x, z) - logQ[i]),
      kl: mean((z, i) => logQ[i] - (this.logJoint(x, z) - evidence)),
      reconstruction: mean((z) => this.logLikelihood(x, z)),
      kl_prior: mean((z, i) => logQ[i] - logNormal(z)),
      energy: mean((z) => this.logJoint(x, z)),
      entropy: mean((_, i) => -logQ[i]),
    };
  }

  /** The Gaussian with the largest ELBO, mean and std between the ends given: the best of climbs along the axis. */
  bestGaussian(x, [low, high], [thin, wide]) {
    const on = {
      axes: [SUPPORT.points],
      logWeights: SUPPORT.logWeights,
      logF: SUPPORT.points.map((z) => this.logJoint(x, z)),
    };
    const within = { mean: [low, high], std: [thin, wide] };
    const starts = Array.from(line(low, high, STARTS).points);
    const ends = starts.map((mean) => top(on, { mean, std: START_STD }, { within }));
    const { mean, std } = ends.reduce((best, end) => (end.elbo > best.elbo ? end : best));
    return { mean, std: Math.min(Math.max(std, thin), wide) };
  }
}
