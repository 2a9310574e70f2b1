// Live figure 11: an image drawn from a prior over tokens, token by token, with the probabilities that each had.
// state -> sample (js/engine/tokens.js) -> picture. Nothing is drawn that numbers() did not compute.

import { emptyCode, numbersOfPrior, readPrefix, sample, tokenNets, tokensOf } from "../engine/tokens.js";
import { announcer } from "../kit/announce.js";
import { button, choice } from "../kit/controls.js";
import { say } from "../kit/dom.js";
import { figure } from "../kit/figure.js";
import { fixed, nats } from "../kit/format.js";
import { sliderKeys } from "../kit/handles.js";
import { keep } from "../kit/keep.js";
import { layOut, makeCheck, makeInsight } from "../kit/layout.js";
import { sentence } from "../kit/maths.js";
import { player } from "../kit/player.js";
import { imageOf } from "./drawing/ink.js";
import { makeBars, makeGrid, makeKey } from "./prior/grid.js";
import { makePalette } from "./tokens/paper.js";

const PACE = 90; // ms between two tokens of Play

export const codecs = (made) => ({ prefix: { read: (text) => readPrefix(text, made) } });
/** What is locked is drawn. */
export const settle = (s) => ({ ...s, step: Math.max(s.step, tokensOf(s.prefix).length) });

export default figure("prior", "Live figure: an image drawn from a prior over tokens, token by token", (kit) => {
  const { h, model, onCleanup } = kit;
  const made = tokenNets(model.get("nets"), model.get("weights"));
  const names = model.get("names");
  const priors = Object.keys(made.priors);
  const empty = emptyCode(made);
  const { places, size } = made;
  let now = null;
  let last = { key: "", drawn: null, steps: [] };

  /** What is known of a state but its step: the whole sample, and the numbers of each step that was looked at. */
  const walked = (s) => {
    const key = [s.prior, s.label, s.temperature, s.seed, s.prefix].join("|");
    if (key !== last.key)
      last = { key, drawn: sample(made.priors[s.prior], made, { ...s, prefix: tokensOf(s.prefix) }), steps: [] };
    return last;
  };
  const sampled = (s) => walked(s).drawn;

  /** Every number of a state: a walk along a sample draws nothing anew, and decodes each step once. */
  const numbers = (s) => {
    const { steps } = walked(s);
    steps[s.step] ??= numbersOfPrior(s, sampled(s), empty, made);
    return steps[s.step];
  };

  const kept = keep(kit, {
    codecs: codecs(made),
    settle,
    numbers: (s) => numbers(s).stated,
    speak: () => live.speak(spoken(now, made, names)),
    draw,
  });

  // ---- picture
  const live = announcer(h);
  const grid = makeGrid(kit, made, {
    go: (place) => {
      run.stop();
      go(place);
    },
  });
  const canvas = h("canvas", { class: "lvm-ink", width: 4 * made.grid, height: 4 * made.grid, "aria-hidden": "true" });
  /** The reader sets the next token himself: it and those before it stand, and the prior says what it costs. */
  const take = (code) => {
    const { step } = kept.state;
    if (step >= places) return;
    run.stop();
    kept.change({ prefix: [...sampled(kept.state).tokens.slice(0, step), code].join(","), step: step + 1 });
  };
  const bars = makeBars(kit, made, { take });
  const palette = makePalette(kit, made, { choose: take });
  const cost = h("div", { class: "lvm-small" });
  const row = h(
    "div",
    { class: "lvm-token-row" },
    h(
      "div",
      { class: "lvm-token-side" },
      h("div", { class: "lvm-caption lvm-fill-prior" }, "tokens, tinted by cost"),
      grid.node,
    ),
    h(
      "div",
      { class: "lvm-token-side" },
      h("div", { class: "lvm-caption lvm-fill-model" }, "decoded: a mean"),
      h("div", { class: "lvm-screen" }, canvas),
    ),
    bars.node,
  );
  const insight = makeInsight(h);
  const check = makeCheck(h, "the cost is the sum of the conditionals");

  // ---- controls
  const go = (step) => kept.change({ step });
  const run = player(kit, {
    pace: PACE,
    by: (n) => go(kept.state.step + n),
    ended: () => kept.state.step >= places,
    rewind: () => go(0),
  });
  const which = choice(h, {
    label: "Which prior",
    value: kept.state.prior,
    options: priors.map((name) => ({ value: name, text: name })),
    choose: run.halting((prior) => kept.change({ prior })),
  });
  const label = choice(h, {
    label: "Class",
    value: String(kept.state.label),
    options: names.map((name, i) => ({ value: String(i), text: name })),
    choose: run.halting((c) => kept.change({ label: Number(c) })),
  });
  const heat = kept.slider("temperature", { label: ["temperature ", h("var", {}, "T")], step: 0.05 });
  const upTo = kept.slider("step", { label: "tokens drawn", change: run.halting(go) });
  const lock = button(
    h,
    "Lock these tokens",
    run.halting(() => kept.change({ prefix: sampled(kept.state).tokens.slice(0, kept.state.step).join(",") })),
  );
  const unlock = button(
    h,
    "Unlock",
    run.halting(() => kept.change({ prefix: "" })),
  );
  const head = (text, node) => h("div", { class: "lvm-splits-head" }, h("span", { class: "lvm-label" }, text), node);
  layOut(kit, {
    title: "Where do new images come from?",
    given: [head("Prior", which.node), head("Class asked", label.node)],
    picture: [
      row,
      makeKey(kit, made),
      h("div", { class: "lvm-caption lvm-palette-head" }, "set the next token: press a code"),
      palette.node,
    ],
    hand: [
      h(
        "div",
        { class: "lvm-buttons" },
        button(
          h,
          "Another sample",
          run.halting(() => kept.change({ seed: (kept.state.seed + 1) % (kept.range("seed").high + 1) })),
          { class: "lvm-button lvm-draw-z" },
        ),
        run.back,
        run.step,
        run.play,
      ),
      h("div", { class: "lvm-sliders" }, upTo.node),
    ],
    insight,
    rest: [
      h("div", { class: "lvm-sliders" }, heat.node),
      cost,
      h("div", { class: "lvm-buttons" }, lock, unlock, button(h, "Reset", run.halting(kept.reset)), kept.share),
    ],
    check,
    live: live.region,
    broad: true,
  });

  // ---- drawing
  function draw(state) {
    const { stated, ...beside } = numbers(state);
    now = { ...beside, ...stated, stated };
    grid.draw(now);
    const pen = canvas.getContext("2d");
    pen.putImageData(imageOf(pen, now.image), 0, 0);
    bars.draw(now);
    palette.draw(now.all[Math.min(state.step, places - 1)]);
    which.set(state.prior);
    label.set(String(state.label));
    heat.update(state.temperature, fixed(state.temperature, 2), `temperature ${fixed(state.temperature, 2)}`);
    upTo.update(state.step, `${state.step} / ${places}`, `${state.step} of ${places} tokens`);
    lock.disabled = state.step === now.locked;
    unlock.disabled = now.locked === 0;
    const drawn = state.step - now.locked;
    const still = state.step < places ? ` Places not drawn yet hold the emptiest patch, code ${empty}.` : "";
    say(
      cost,
      (drawn
        ? `${nats(now.nll, 1)} for ${drawn} drawn tokens, ${fixed(now.nll / drawn, 2)} each; the uniform prior ` +
          `asks ${fixed(Math.log(size), 2)} for each.`
        : "No token is drawn yet.") + still,
    );
    tell(h, check, now, names);
    teach(insight, now);
    kept.tell(now.stated);
  }

  // ---- hands
  const { handle } = grid;
  kept.byHand(handle, (event, memory) => {
    run.stop();
    const over = Math.hypot(event.clientX - memory.px, event.clientY - memory.py) > 3;
    return over ? { step: Math.min(grid.at(event) + 1, places) } : {};
  });
  onCleanup(
    sliderKeys(handle, {
      label: "tokens drawn so far",
      value: () => kept.state.step,
      range: () => kept.range("step"),
      change: run.halting(go),
    }),
  );
  kept.redraw.now();
});

function spoken(n, { places, size }, names) {
  const next = n.step < places ? ` The next token is one of ${size}, with an entropy of ${nats(n.entropy, 2)}.` : "";
  return (
    `${n.prior} prior, class ${names[n.label]}, temperature ${fixed(n.temperature, 2)}: ${n.step} of ${places} ` +
    `tokens, ` +
    `${nats(n.nll, 2)}; under the uniform prior ${nats(n.uniform, 2)}.${next}`
  );
}

/** What holds, in words, with the name of the distribution that the nats belong to. */
function tell(h, check, n, names) {
  const drawn = n.all.slice(n.locked, n.step);
  const sum = drawn.reduce((all, token, i) => all - n.conditionals[n.locked + i][token], 0);
  check.holds(Math.abs(sum - n.nll) < 1e-9);
  const given = n.locked ? `, given the ${n.locked} locked tokens` : "";
  sentence(h, check.told, [
    ["strong", `${fixed(n.nll, 2)} nats = −Σ log p(z~i~ | before): `],
    [
      "plain",
      `the ${n.prior} prior for class ${names[n.label]} at *T* = ${fixed(n.temperature, 2)}${given}. ` +
        "A later token never changes an earlier conditional: step back and look.",
    ],
  ]);
}

/** What this state teaches. */
function teach(insight, n) {
  const last = n.locked - 1;
  const wished = n.locked
    ? `The last of them asked ${fixed(-n.logs[last], 2)} nats; the prior’s own wish there, ` +
      `${fixed(-Math.max(...n.conditionals[last]), 2)}.`
    : "";
  const next = n.next < 0 ? "" : "The next token has an entropy of {entropy:2} nats.";
  if (n.step === 0) insight.tell(n, "Nothing is drawn yet: every place holds the emptiest patch.", next);
  else if (n.prefix)
    insight.tell(
      n,
      "What stands by hand costs {of_prefix:1} nats, what is drawn after it {nll:1}.",
      `${wished} ${next}`,
    );
  else insight.tell(n, "These tokens cost {nll:1} nats; under the uniform prior, {uniform:1}.", next);
}
