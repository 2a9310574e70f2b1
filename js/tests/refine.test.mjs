// The nearest Gaussian, each property by a route that climbs nothing. Run: node --test js/tests
import assert from "node:assert/strict";
import { test } from "node:test";
import { logNormal } from "../engine/densities.js";
import { line } from "../engine/quadrature.js";
import { elboAndSlopes, refine, top } from "../engine/refine.js";

const close = (a, b, tolerance, message = "") => {
  assert.ok(Math.abs(a - b) <= tolerance, `${message} ${a} against ${b}`);
};

/** log f of one coordinate, or of two, on lines. */
function onLines(logF, ...lines) {
  const m = lines.reduce((product, own) => product * own.points.length, 1);
  const of = (k, a) => (a ? k % lines[1].points.length : Math.floor(k / (lines[1]?.points.length ?? 1)));
  const axes = lines.map((own, a) => Float64Array.from({ length: m }, (_, k) => own.points[of(k, a)]));
  const logWeights = Float64Array.from({ length: m }, (_, k) =>
    lines.reduce((sum, own, a) => sum + own.logWeights[of(k, a)], 0),
  );
  return { axes, logWeights, logF: Float64Array.from({ length: m }, (_, k) => logF(...axes.map((z) => z[k]))) };
}

const run = (work) => {
  let step;
  do step = work.next();
  while (!step.done);
  return step.value;
};

const HILLS = (z) => Math.log(0.6 * Math.exp(logNormal(z, -1.5, 0.7)) + 0.4 * Math.exp(logNormal(z, 1.7, 0.5)));

test("refine: a tilted Gaussian gives its mean and one over its precision's diagonal, and its ELBO the gap", () => {
  const [rho, m] = [0.8, [0.7, -0.4]];
  const logF = (x, y) => {
    const [u, v] = [x - m[0], y - m[1]];
    return (
      -0.5 * ((u * u - 2 * rho * u * v + v * v) / (1 - rho * rho)) - Math.log(2 * Math.PI * Math.sqrt(1 - rho * rho))
    );
  };
  const on = onLines(logF, line(-6, 6, 81), line(-6, 6, 101));
  const path = run(refine(on, { mean: [-1, 1], logStd: [0, -0.5] }, { least: 1e-13 }));
  const { q, elbo } = path[path.length - 1];
  q.mean.forEach((v, a) => close(v, m[a], 1e-5, "mean"));
  q.logStd.forEach((v) => close(Math.exp(v), Math.sqrt(1 - rho * rho), 1e-5, "std"));
  close(elbo, 0.5 * Math.log(1 - rho * rho), 1e-9, "minus the KL of the best mean field");
  path.slice(1).forEach((step, i) => assert.ok(step.elbo > path[i].elbo, "every step rises"));
});

test("refine: slopes are the differences of the ELBO", () => {
  const on = onLines(HILLS, line(-12, 12, 1201));
  const [mean, logStd, d] = [0.3, -0.2, 1e-5];
  const at = (dm, ds) => elboAndSlopes(on, { mean: [mean + dm], logStd: [logStd + ds] }).elbo;
  const { byMean, byLogStd } = elboAndSlopes(on, { mean: [mean], logStd: [logStd] });
  close(byMean[0], (Math.exp(logStd) * (at(d, 0) - at(-d, 0))) / (2 * d), 1e-7);
  close(byLogStd[0], (at(0, d) - at(0, -d)) / (2 * d), 1e-7);
});

test("refine: of two hills the top of the near one, which no model of a fine scan around it beats", () => {
  const on = onLines(HILLS, line(-12, 12, 961));
  for (const start of [-1.6, 1.6]) {
    const end = top(on, { mean: start, std: 0.5 }, { stride: 0.1, steps: 400 });
    assert.ok(Math.abs(end.mean - start) < 0.3);
    for (let dm = -10; dm <= 10; dm++)
      for (let ds = -10; ds <= 10; ds++) {
        const q = { mean: [end.mean + dm / 50], logStd: [Math.log(end.std) + ds / 50] };
        assert.ok(elboAndSlopes(on, q).elbo <= end.elbo + 1e-12);
      }
  }
});

test("refine: q stays between the ends given, and log f may be -Infinity far from q", () => {
  const within = { mean: [-1, 1], std: [0.8, 2] };
  const end = top(onLines(HILLS, line(-12, 12, 961)), { mean: 0.5, std: 1 }, { within });
  assert.ok(end.mean >= -1 && end.mean <= 1 && end.std >= 0.8 - 1e-12 && end.std <= 2 + 1e-12);
  const cut = onLines((z) => (Math.abs(z) > 50 ? -Infinity : logNormal(z, 1, 0.5)), line(-60, 60, 4801));
  close(top(cut, { mean: 0, std: 1 }).mean, 1, 1e-6);
});
