// Elements in one line. No ids anywhere, so that two instances and shadow roots work alike.

const SVG = "http://www.w3.org/2000/svg";
const TEXT = 3; // nodeType

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === false || value === null || value === undefined) continue;
    if (key === "class") node.setAttribute("class", value);
    else if (key in node && typeof value === "boolean") node[key] = value;
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Makers of HTML (`h`) and SVG (`s`) elements of one document: h("p", { class: "a" }, "text", child). */
export function makers(document) {
  return {
    h: (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children),
    s: (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children),
  };
}

/** Set attributes, touching only those that differ: the cheap half of a redraw. */
export function set(node, attributes) {
  for (const [key, value] of Object.entries(attributes)) {
    const text = String(value);
    if (node.getAttribute(key) !== text) node.setAttribute(key, text);
  }
  return node;
}

/** Set the text, only if it differs. A text node that is there stays: a new one would be laid out from nothing. */
export function say(node, text) {
  if (node.textContent === text) return node;
  const only = node.firstChild;
  if (text && only && only === node.lastChild && only.nodeType === TEXT) only.data = text;
  else node.textContent = text;
  return node;
}

/** Show or hide by the `hidden` property or, for SVG, by the display attribute. */
export function show(node, visible) {
  if (node.namespaceURI === SVG) set(node, { display: visible ? "inline" : "none" });
  else if (node.hidden === visible) node.hidden = !visible;
  return node;
}
