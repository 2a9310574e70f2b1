// The marks of five components: circle, square, triangle, diamond, cross. Equal areas, so that none looks more.

const r = (v) => Math.round(v * 100) / 100;
const polygon = (x, y, corners) => `M${corners.map(([dx, dy]) => `${r(x + dx)} ${r(y + dy)}`).join("L")}Z`;

/** The path of mark number `k` at (x, y), of the area of a circle of radius `size`. */
export function shape(k, x, y, size) {
  if (k === 0)
    return (
      `M${r(x - size)} ${r(y)}a${r(size)} ${r(size)} 0 1 0 ${r(2 * size)} 0a${r(size)} ${r(size)} 0 1 0 ` +
      `${r(-2 * size)} 0Z`
    );
  if (k === 1) {
    const a = 0.886 * size;
    return polygon(x, y, [
      [-a, -a],
      [a, -a],
      [a, a],
      [-a, a],
    ]);
  }
  if (k === 2) {
    const a = 1.555 * size;
    return polygon(x, y, [
      [0, -a],
      [0.866 * a, a / 2],
      [-0.866 * a, a / 2],
    ]);
  }
  if (k === 3) {
    const a = 1.253 * size;
    return polygon(x, y, [
      [0, -a],
      [a, 0],
      [0, a],
      [-a, 0],
    ]);
  }
  const [a, b] = [1.32 * size, 0.53 * size];
  return polygon(x, y, [
    [-b, -a],
    [b, -a],
    [b, -b],
    [a, -b],
    [a, b],
    [b, b],
    [b, a],
    [-b, a],
    [-b, b],
    [-a, b],
    [-a, -b],
    [-b, -b],
  ]);
}
