// A picture by way of tokens, on the bits themselves: tokens by their prior, pixels given the tokens. The twin is
// lvm_lib/token_coding.py, which says how it works; tests compare bytes. No DOM.
//
//   const codec = tokenCode({ codes, dimensions, grid, decoder }, shares)    decoder of exact.js
//   codec.send(x, tokens, stack)    push x with p(x | z), then z with p(z)
//   codec.receive(stack)            the way back: pop z, pop x. q is one point: there is nothing to push

const PRECISION = 24; // frequencies sum to 2^24
const WHOLE = 2 ** PRECISION;
const LEAST = Math.floor(WHOLE / 200); // of a pixel's two frequencies

/** shares: for each place the shares of all codes, whole numbers that add up to 2^24. */
export function tokenCode({ codes, dimensions, grid, decoder }, shares) {
  const places = grid * grid;
  const size = codes.length / dimensions;
  const starts = new Float64Array(places * (size + 1));
  for (let m = 0; m < places; m++)
    for (let k = 0; k < size; k++) starts[m * (size + 1) + k + 1] = starts[m * (size + 1) + k] + shares[m * size + k];

  let last = { key: "", means: new Float64Array(0) };
  /** What the decoder makes of tokens; the last answer is kept, since a message is sent, read and measured. */
  function means(tokens) {
    const key = tokens.join();
    if (key !== last.key) {
      const maps = new Float64Array(dimensions * places);
      for (let p = 0; p < places; p++)
        for (let j = 0; j < dimensions; j++) maps[j * places + p] = codes[tokens[p] * dimensions + j];
      last = { key, means: decoder(maps) };
    }
    return last.means;
  }

  /** 2^24 p(x_d = 1 | z) for each pixel. */
  const ofPixels = (tokens) =>
    means(tokens).map((mean) => Math.min(Math.max(Math.floor(WHOLE * mean), LEAST), WHOLE - LEAST));

  /** Put x on the stack: { x, z }, what each part takes, in bits, by the frequencies that coded it. */
  function send(image, tokens, stack) {
    const ones = ofPixels(tokens);
    let [x, z] = [0, 0];
    for (let d = image.length - 1; d >= 0; d--) {
      const frequency = image[d] ? ones[d] : WHOLE - ones[d];
      stack.push(image[d] ? WHOLE - ones[d] : 0, frequency);
      x += PRECISION - Math.log2(frequency);
    }
    for (let m = places - 1; m >= 0; m--) {
      const frequency = shares[m * size + tokens[m]];
      stack.push(starts[m * (size + 1) + tokens[m]], frequency);
      z += PRECISION - Math.log2(frequency);
    }
    return { x, z };
  }

  /** Take the image that was sent last off the stack, which is then as it was before. */
  function receive(stack) {
    const tokens = Array.from({ length: places }, (_, m) => {
      const at = m * (size + 1);
      let [low, high] = [0, size]; // the code that owns the number on top, by halving
      while (high - low > 1) {
        const between = (low + high) >> 1;
        if (starts[at + between] <= stack.peek()) low = between;
        else high = between;
      }
      stack.pop(starts[at + low], shares[m * size + low]);
      return low;
    });
    const ones = ofPixels(tokens);
    const x = new Float64Array(ones.length);
    for (let d = 0; d < x.length; d++) {
      x[d] = stack.peek() >= WHOLE - ones[d] ? 1 : 0;
      stack.pop(x[d] ? WHOLE - ones[d] : 0, x[d] ? ones[d] : WHOLE - ones[d]);
    }
    return { x, tokens };
  }

  return { means, send, receive };
}
