// The state in the address: "#elbo:x=0.5;m=-1;k=g". One namespace per figure; several are joined by "&".

/** The part of a hash that belongs to `space`, as an object of strings; null if there is none. */
export function parse(hash, space) {
  for (const part of String(hash || "")
    .replace(/^#/, "")
    .split("&")) {
    const colon = part.indexOf(":");
    if (colon < 0 || decode(part.slice(0, colon)) !== space) continue;
    const out = {};
    for (const pair of part.slice(colon + 1).split(";")) {
      const equals = pair.indexOf("=");
      if (equals > 0) out[decode(pair.slice(0, equals))] = decode(pair.slice(equals + 1));
    }
    return out;
  }
  return null;
}

/** The hash with `space` replaced by `values`, other figures' parts kept. A plain anchor gives way. */
export function merged(hash, space, values) {
  const others = String(hash || "")
    .replace(/^#/, "")
    .split("&")
    .filter((part) => part.includes(":") && decode(part.slice(0, part.indexOf(":"))) !== space);
  const pairs = Object.entries(values).map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
  return `#${[...others, `${space}:${pairs.join(";")}`].join("&")}`;
}

/** A number from a link, or undefined if it is missing, malformed or not finite. */
export function numeric(text) {
  if (typeof text !== "string" || !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** Pairs of numbers from a link, "2.64,-0.98_2.22,0.28": undefined where there are none. */
export function pairs(text) {
  if (typeof text !== "string" || !text) return undefined;
  const found = text.split("_").map((pair) => pair.split(",").map(numeric));
  return found.every((pair) => pair.length === 2 && !pair.includes(undefined)) ? found : undefined;
}

/** The same pairs as a link holds them. */
export const writtenPairs = (all) => all.map((pair) => pair.join(",")).join("_");

/** Write the hash without a new history entry; pages without an address of their own (srcdoc) refuse, silently. */
export function replaceHash(view, hash) {
  try {
    if (view.location.hash !== hash) view.history.replaceState(view.history.state, "", hash);
  } catch {
    /* about:srcdoc, sandboxed frames */
  }
}

/** Copy text; resolves to false where the browser refuses. */
export async function copy(view, text) {
  try {
    await view.navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
