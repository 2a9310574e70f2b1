// Numbers in words and figures. U+2212 is the minus sign; there is no negative zero.

export function fixed(value, digits = 3) {
  if (!Number.isFinite(value)) return value > 0 ? "∞" : value < 0 ? "−∞" : "–";
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** A count, or a number to the unit: its thousands by a comma, as in the book's text. */
export const counted = (value) => fixed(value, 0).replace(/\B(?=(\d{3})+$)/g, ",");

export const nats = (value, digits = 3) => `${fixed(value, digits)} nats`;

/** "1e−11": the power of ten just above a difference; never better than float64 can claim. */
export function tolerance(difference) {
  const power = Math.max(Math.ceil(Math.log10(Math.max(Math.abs(difference), 1e-15))), -15);
  return power >= 0 ? fixed(Math.abs(difference), 2) : `1e−${-power}`;
}
