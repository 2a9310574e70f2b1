// One hue for each class, in between light and dark, so that both grounds carry it; the numeral says the class.

import { set } from "./dom.js";

export const HUES = [
  "#c8553d",
  "#2f86c8",
  "#4c9a4c",
  "#b0781a",
  "#8a63c9",
  "#8b6a52",
  "#c9569a",
  "#7a8290",
  "#1f9a94",
  "#9a9a2a",
];

/** A text for each class in its hue, with a numeral for each of its images; `put(x, y)` moves them, by image. */
export function numerals(s, labels) {
  const classes = [...new Set(labels)].map((label) => {
    const members = labels.flatMap((other, i) => (other === label ? [i] : []));
    const style = `fill:${HUES[label % HUES.length]}`;
    const text = `${label}`[0].repeat(members.length);
    return { members, node: s("text", { class: "lvm-code", "text-anchor": "middle", style }, text) };
  });
  const node = s("g", {}, ...classes.map((one) => one.node));
  const put = (x, y) => {
    for (const one of classes) set(one.node, { x: one.members.map(x).join(" "), y: one.members.map(y).join(" ") });
  };
  return { node, put };
}
