// Buttons, sliders and choices: native elements, labels that wrap their inputs (no ids).

import { say, set } from "./dom.js";

export function button(h, text, act, attributes = {}) {
  const node = h("button", { type: "button", class: "lvm-button", ...attributes }, text);
  node.addEventListener("click", act);
  return node;
}

/**
 * A range input with its label and its number; `.update(value, text)` from a draw. `key(event)` gives the value after
 * a key (Shift+arrows leap, Home = home), `hold(on)` says when a pointer takes it and lets it go.
 */
export function slider(h, { label, low, high, step = 0.01, key, input, hold = (_on) => {} }) {
  const field = h("input", { type: "range", min: low, max: high, step });
  const number = h("span", { class: "lvm-slider-number", "aria-hidden": "true" });
  const node = h(
    "div",
    { class: "lvm-slider" },
    h("label", {}, h("span", { class: "lvm-slider-label" }, label), field),
    number,
  );
  let held = false;
  const take = (on) => () => {
    if (held !== on) {
      held = on;
      hold(on);
    }
  };
  field.addEventListener("pointerdown", take(true));
  for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) field.addEventListener(type, take(false));
  field.addEventListener("input", () => input(Number(field.value)));
  field.addEventListener("keydown", (event) => {
    const to = key(event);
    if (to === null) return;
    event.preventDefault();
    input(to);
  });
  const update = (value, text, words = text) => {
    if (Number(field.value) !== value) field.value = String(value);
    say(number, text);
    set(field, { "aria-valuetext": words });
  };
  return { node, field, update };
}

let groups = 0; // radio names must differ between instances

/** A radio group: options [{ value, text }]; `choose(value)`. */
export function choice(h, { label, options, value = null, choose, className = "" }) {
  const name = `lvm-choice-${++groups}-${Math.random().toString(36).slice(2, 8)}`;
  const fields = options.map((option) => {
    const field = h("input", { type: "radio", name, value: option.value, checked: option.value === value });
    field.addEventListener("change", () => {
      if (field.checked) choose(option.value);
    });
    return field;
  });
  const labels = options.map((option, i) => h("label", { class: "lvm-option" }, fields[i], h("span", {}, option.text)));
  const node = h("div", { class: `lvm-choice ${className}`, role: "radiogroup", "aria-label": label }, labels);
  return {
    node,
    fields,
    set: (to) => {
      for (const f of fields) if (f.checked !== (f.value === to)) f.checked = !f.checked;
    },
  };
}
