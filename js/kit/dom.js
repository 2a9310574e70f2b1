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

/** Move an element to a place in pixels, to a tenth of one, only if it stands elsewhere. */
export function put(element, x, y) {
  const [left, top] = [x, y].map((v) => Math.round(v * 10) / 10);
  const moved = `translate(${left}px, ${top}px)`;
  if (element.style.transform !== moved) element.style.transform = moved;
}

/** Give a nested svg its box: what lies outside is cut off, and the coordinates inside are the outer ones. */
export function crop(panel, left, right, y0, y1) {
  const [width, height] = [right - left, y1 - y0];
  set(panel, { x: left, y: y0, width, height, viewBox: `${left} ${y0} ${width} ${height}` });
}

/** Switch a control off or on, only if it differs. */
export function disable(node, off) {
  if (node.disabled !== off) node.disabled = off;
}

/** Show or hide by the `hidden` property or, for SVG, by the display attribute. */
export function show(node, visible) {
  if (node.namespaceURI === SVG) set(node, { display: visible ? "inline" : "none" });
  else if (node.hidden === visible) node.hidden = !visible;
  return node;
}
