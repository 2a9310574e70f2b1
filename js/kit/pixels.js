// Small images on a canvas, one canvas pixel for each of theirs; CSS makes them large. White on black in both themes,
// as the data are.

/** Paint values in [0, 1], row by row, and say in words what they show. */
export function paint(canvas, values, words) {
  const { width, height } = canvas;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const grey = 255 * Math.min(Math.max(values[i], 0), 1);
    image.data.set([grey, grey, grey, 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
  if (words !== undefined && canvas.getAttribute("aria-label") !== words) canvas.setAttribute("aria-label", words);
}
