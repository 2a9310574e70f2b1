// Formulas as real text: "*p*" is a variable, "~data~" an index, "~*q*~" a variable as one.

const TAGS = { "*": "var", "~": "sub" };
const pieces = (text) =>
  text
    .split(/(\*[^*]+\*|~[^~]+~)/)
    .filter(Boolean)
    .map((part) => (part[0] in TAGS ? [TAGS[part[0]], part.slice(1, -1)] : ["", part]));

/** "KL(*p*~data~ ‖ *p*~θ~)" as a list of nodes and strings. */
export function maths(h, text) {
  return pieces(text).map(([tag, words]) => (tag ? h(tag, {}, tag === "sub" ? maths(h, words) : words) : words));
}

/** Maths that no line breaks. */
export const whole = (h, text) => h("span", { class: "lvm-whole" }, maths(h, text));

/** An entry of a legend: a swatch of that kind, and what it stands for. */
export const swatch = (h, kind, text = "") =>
  h("span", { class: "lvm-key" }, h("i", { class: `lvm-swatch lvm-swatch-${kind}` }), h("span", {}, maths(h, text)));

/** The same without its marks, for labels that are read aloud or drawn as plain text. */
export const plain = (text) => text.replace(/[*~]/g, "");

/** A term of a formula as a button with its number: `key` links it to the picture, `quantity` is its colour. */
export function termButton(h, { key, symbol, quantity }) {
  return h(
    "button",
    { type: "button", class: `lvm-term lvm-ink-${quantity}`, "data-term": key, "aria-pressed": "false" },
    h("span", { class: "lvm-term-symbol" }, maths(h, symbol)),
    " ",
    h("span", { class: "lvm-term-number" }),
  );
}

/** A sign between two terms. */
export const sign = (h, text) => h("span", { class: "lvm-sign" }, text);

/**
 * Terms in a row under a `label` that is read aloud; a string between them is a sign, which stays with the term behind
 * it. `unit` is what they are in.
 */
export function formulaRow(h, label, parts, { small = true, unit = "nats" } = {}) {
  const pairs = [];
  for (const part of parts) {
    if (typeof pairs.at(-1)?.at(-1) === "string") pairs.at(-1).push(part);
    else pairs.push([part]);
  }
  if (unit) pairs.at(-1).push(h("span", { class: "lvm-unit" }, h("small", {}, unit)));
  return h(
    "div",
    { class: `lvm-formula${small ? " lvm-formula-small" : ""}`, role: "group", "aria-label": label },
    pairs.map((pair) =>
      h(
        "span",
        { class: "lvm-pair" },
        pair.map((part) => (typeof part === "string" ? sign(h, part) : part)),
      ),
    ),
  );
}

const told = new WeakMap(); // node -> { form, texts } of the sentences that it holds

/**
 * Sentences whose parts are ["strong" or "plain", text]. Where their form is the old one, only the words that differ
 * change.
 */
export function sentence(h, node, parts) {
  const all = parts.map(([kind, words]) => [kind, pieces(words)]);
  const form = all.map(([kind, runs]) => `${kind} ${runs.length} ${runs.map(([tag]) => tag)}`).join("|");
  const words = all.flatMap(([, runs]) => runs.map(([, text]) => text));
  const before = told.get(node);
  if (before?.form === form) {
    before.texts.forEach((text, i) => {
      if (text.data !== words[i]) text.data = words[i];
    });
    return;
  }
  const texts = words.map((text) => node.ownerDocument.createTextNode(text));
  told.set(node, { form, texts });
  let next = 0;
  node.replaceChildren(
    ...all.flatMap(([kind, runs]) => {
      const inner = runs.map(([tag]) => (tag ? h(tag, {}, texts[next++]) : texts[next++]));
      return kind === "strong" ? [h("strong", {}, inner)] : inner;
    }),
  );
}
