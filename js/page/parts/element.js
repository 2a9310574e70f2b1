/** An element with its text and properties, as a page's own script makes it. */
export const element = (tag, text, properties = {}) =>
  Object.assign(document.createElement(tag), { textContent: text }, properties);
