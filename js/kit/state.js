// A figure's state, from the table `reach` that Python sends: what can be reached, where it begins, how a link holds
// it, what a key does, and the way between state and traits. lvm_lib/figures/state.py makes the table.

import { numeric } from "./link.js";

const isNumber = (v) => typeof v === "number" && Number.isFinite(v);
const isText = (v) => typeof v === "string";
const clamp = (v, low, high) => Math.min(Math.max(v, low), high);
const nearest = (values, v) => values.reduce((best, one) => (Math.abs(one - v) < Math.abs(best - v) ? one : best));

/** A text as it stands; a figure gives its own codec where it is more: { read, write, parse }. */
const PLAIN = { read: (v) => (isText(v) ? v : undefined), write: (v) => v, parse: (given) => given };

/**
 * For each kind of variable: `sound` says whether its row of the table is one; `read(v)` is the nearest value that can
 * be reached, undefined where there is none; `write` and `parse` are its form in a link; `range` is what a slider and
 * keys need.
 */
const KINDS = {
  number: {
    sound: ({ low, high }) => isNumber(low) && isNumber(high) && low <= high,
    read: (v, { low, high }) => (isNumber(v) ? clamp(v, low, high) : undefined),
    write: (v) => Number(v.toFixed(4)),
    parse: numeric,
    range: ({ low, high, step, leap, home }, start) => ({ low, high, step, leap, home: home ?? start }),
  },
  whole: {
    sound: ({ low, high }) => isNumber(low) && isNumber(high) && low <= high,
    read: (v, { low, high }) => (isNumber(v) ? clamp(Math.round(v), low, high) : undefined),
    write: (v) => v,
    parse: numeric,
    range: ({ low, high, step = 1, leap = 5, home }, start) => ({
      whole: true,
      low,
      high,
      step,
      leap,
      home: home ?? start,
    }),
  },
  size: {
    sound: ({ values }) => Array.isArray(values) && values.length > 0 && values.every(isNumber),
    read: (v, { values }) => (isNumber(v) ? nearest(values, v) : undefined),
    write: (v) => v,
    parse: numeric,
    range: ({ values, step = 1, leap, home }, start) => ({
      whole: true,
      low: 0,
      high: values.length - 1,
      step,
      leap,
      home: values.indexOf(home ?? start),
    }),
  },
  one_of: {
    sound: ({ choices, codes }) =>
      Array.isArray(choices) && choices.length > 0 && Array.isArray(codes) && codes.length === choices.length,
    read: (v, { choices }) => (choices.includes(v) ? v : undefined),
    write: (v, { choices, codes }) => codes[choices.indexOf(v)],
    parse: (given, { choices, codes }) => choices[codes.indexOf(given)],
  },
  text: { sound: () => true, read: (v, { codec }) => codec.read(v), write: (v, { codec }) => codec.write(v) },
};
KINDS.text.parse = (given, { codec }) => (given === undefined ? undefined : codec.parse(given));

/**
 * What a figure's state can do. `reach`: Python's table. `codecs`: { name: { read, write, parse } } of its texts, each
 * part with a default. `settle(state)` mends what hangs on several variables. Throws where the table is damaged.
 */
export function stateOf(reach, { codecs = {}, settle = (state) => state } = {}) {
  const rows = Object.entries(rowsOf(reach)).map(([name, row]) => {
    const kind = isText(row?.kind) && Object.hasOwn(KINDS, row.kind) ? KINDS[row.kind] : null;
    if (!kind?.sound(row) || !isText(row.link)) throw new Error(`what ${name} may be is damaged`);
    const full = { ...row, name, codec: { ...PLAIN, ...codecs[name] } };
    const start = kind.read(row.start, full);
    if (start === undefined) throw new Error(`the first ${name} is damaged`);
    return { ...full, of: kind, start };
  });
  const byName = Object.fromEntries(rows.map((row) => [row.name, row]));
  const each = (value) => Object.fromEntries(rows.map((row) => [row.name, value(row)]));
  return {
    names: rows.map(({ name }) => name),
    start: settle(each(({ start }) => start)),
    /** The nearest state that can be reached; what is missing or makes no sense comes from `fallback`. */
    reachable: (values, fallback) => settle(each((row) => row.of.read(values[row.name], row) ?? fallback[row.name])),
    /** The state as the keys and values of a link, and back; what a link does not say is undefined. */
    encode: (state) => Object.fromEntries(rows.map((row) => [row.link, row.of.write(state[row.name], row)])),
    decode: (given) => each((row) => row.of.parse(given[row.link], row)),
    /** { whole, low, high, step, leap, home } of a number, for sliders and keys; of a size, its place in the list. */
    range: (name) => byName[name].of.range(byName[name], byName[name].start),
    /** The sizes of a variable that has a list of them, otherwise undefined. */
    values: (name) => byName[name].values,
    readBack: Array.isArray(reach.read_back) ? reach.read_back.filter(isText) : [],
  };
}

function rowsOf(reach) {
  const rows = reach?.state;
  if (rows === null || typeof rows !== "object" || Array.isArray(rows) || !Object.keys(rows).length)
    throw new Error("the table of its state is damaged");
  return rows;
}

/** The way between a state and its traits, `names`: `changed(values)` follows Python, `write(values)` tells it. */
export function bind(model, names, { changed, busy = () => false }) {
  let writing = false;
  const read = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  const listener = () => {
    if (!writing && !busy()) changed(read());
  };
  for (const name of names) model.on(`change:${name}`, listener);
  return {
    read,
    /** Write values by trait name, only those that differ, and send them once. */
    write(values) {
      const fresh = Object.entries(values).filter(([trait, value]) => model.get(trait) !== value);
      if (!fresh.length) return;
      writing = true;
      try {
        for (const [trait, value] of fresh) model.set(trait, value);
        model.save_changes();
      } finally {
        writing = false;
      }
    },
    release: () => {
      for (const name of names) model.off(`change:${name}`, listener);
    },
  };
}
