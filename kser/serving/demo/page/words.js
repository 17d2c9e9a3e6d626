/** Numbers and names in the words of the page, and its elements. */

/** A probability: `81%`, `<1%`. */
export function percent(probability) {
  if (probability > 0 && probability < 0.01) return "<1%";
  return `${Math.round(100 * probability)}%`;
}

/** A number of a regressor: three digits, `−0.52`. */
export function number(value) {
  return String(Number(value.toPrecision(3))).replace("-", "−");
}

export function seconds(value) {
  return `${value.toFixed(1)} s`;
}

/** `a, b and c`. */
export function listed(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/**
 * An element with attributes and children; text among them stays text, whatever is in it.
 *
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} children
 */
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** An element of SVG, see `element`. */
export function drawing(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(made, attributes, children) {
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  made.append(...children);
  return made;
}
