// Small images on a canvas, one canvas pixel for each of theirs; CSS makes them large. White on black in both themes,
// as the data are.

/** Paint what `developed` made, and say in words what it shows. */
export function paint(canvas, image, words) {
  canvas.getContext("2d").putImageData(image, 0, 0);
  if (canvas.getAttribute("aria-label") !== words) canvas.setAttribute("aria-label", words);
}

/** Values in [0, 1], row by row, as the pixels of a canvas, to be painted again and again. */
export function developed(canvas, values) {
  const { width, height } = canvas;
  const image = canvas.getContext("2d").createImageData(width, height);
  const { data } = image; // clamps and rounds by itself
  for (let i = 0, at = 0; i < width * height; i++, at += 4) {
    data[at] = data[at + 1] = data[at + 2] = 255 * values[i];
    data[at + 3] = 255;
  }
  return image;
}
