// The Gaussian nearest to a density: q = N(mean, diag(std^2)), refined on a grid by natural gradient. No DOM.
//
//   ELBO(q) = E_q[log f(z) - log q(z)],    log f = log p(x, z), or a log density: then it is -KL(q || f)
//
// A step follows the slopes times the inverse Fisher information of q, 1 along mean / std and 1/2 along log std; it is
// halved until the ELBO rises. q is normalised on the same grid as everything else. What is asked for is
// on = { axes, logWeights, logF }: for each axis the coordinate of every point, then weights and log f, all (m).
// The Python twin is lvm_lib.refine; tests hold the two together.

import { logSum } from "./densities.js";

const HALVINGS = 25; // of one step

/** ((z - mean) / std)^2, summed over the axes, at every point. */
function squares({ axes, logWeights }, { mean, logStd }) {
  const out = new Float64Array(logWeights.length);
  axes.forEach((z, a) => {
    const per = Math.exp(-logStd[a]);
    for (let k = 0; k < out.length; k++) out[k] += ((z[k] - mean[a]) * per) ** 2;
  });
  return out;
}

/** The ELBO of q on the grid, and its slopes by mean / std and log std, one for each axis. */
export function elboAndSlopes(on, q) {
  const { axes, logWeights, logF } = on;
  const m = logWeights.length;
  const logQ = squares(on, q).map((r) => -0.5 * r);
  const total = logSum(m, (k) => logQ[k] + logWeights[k]);
  const [mass, gain] = [new Float64Array(m), new Float64Array(m)];
  let elbo = 0;
  for (let k = 0; k < m; k++) {
    mass[k] = Math.exp(logQ[k] - total + logWeights[k]);
    gain[k] = mass[k] > 0 ? logF[k] - (logQ[k] - total) : 0;
    elbo += mass[k] * gain[k];
  }
  const byMean = axes.map(() => 0);
  const byLogStd = axes.map(() => 0);
  axes.forEach((z, a) => {
    const per = Math.exp(-q.logStd[a]);
    for (let k = 0; k < m; k++) {
      const [part, r] = [mass[k] * (gain[k] - elbo), (z[k] - q.mean[a]) * per];
      byMean[a] += part * r;
      byLogStd[a] += part * r * r;
    }
  });
  return { elbo, byMean, byLogStd };
}

/**
 * The climb from q = { mean, logStd } to the top of its hill: [{ q, elbo }], where it stood at first and after each
 * step. A generator, which yields after every look. stride: no step is longer than so many standard deviations of q;
 * least: nats, the rise that counts as one; within: the ends that q is kept between.
 * @param {{ stride?: number, least?: number, steps?: number, within?: { mean: number[], std: number[] } }} [options]
 */
export function* refine(on, start, options = {}) {
  const { stride = 0.5, least = 0, steps = 200, within } = options;
  const [low, high] = within?.mean ?? [-Infinity, Infinity];
  const [thin, wide] = within?.std.map(Math.log) ?? [-Infinity, Infinity];
  let q = start;
  let here = elboAndSlopes(on, q);
  const path = [{ q, elbo: here.elbo }];
  while (path.length <= steps) {
    const far = Math.max(...here.byMean.map(Math.abs), ...here.byLogStd.map((v) => Math.abs(v) / 2));
    let size = far > 0 ? Math.min(1, stride / far) : 1;
    /** @type {{ to: any, there: any } | null} */
    let found = null;
    for (let halving = 0; halving < HALVINGS && !found; halving++, size /= 2) {
      const to = {
        mean: q.mean.map((v, a) => Math.min(Math.max(v + size * Math.exp(q.logStd[a]) * here.byMean[a], low), high)),
        logStd: q.logStd.map((v, a) => Math.min(Math.max(v + 0.5 * size * here.byLogStd[a], thin), wide)),
      };
      const there = elboAndSlopes(on, to);
      if (there.elbo > here.elbo + least) found = { to, there };
      yield 0.9;
    }
    if (!found) return path;
    [q, here] = [found.to, found.there];
    path.push({ q, elbo: here.elbo });
  }
  return path;
}

/** Where a climb on one axis ends: { mean, std, elbo }. */
export function top(on, { mean, std }, options) {
  const work = refine(on, { mean: [mean], logStd: [Math.log(std)] }, options);
  for (;;) {
    const step = work.next();
    if (!step.done) continue;
    const { q, elbo } = step.value[step.value.length - 1];
    return { mean: q.mean[0], std: Math.exp(q.logStd[0]), elbo };
  }
}
