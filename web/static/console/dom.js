// Making and finding elements. Whatever a person wrote goes in as text, never as markup.

export const byId = (id) => document.getElementById(id);

/** el("a", {class: "x", href: "/y", onclick: f, dataset: {…}}, "text", node, …). No attribute is ever made of HTML. */
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for SVG. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(node.dataset, value);
    else if (name === "href") setLink(node, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Only addresses that open a page, a call, a text or a mail. */
function setLink(node, value) {
  if (/^(https?:|tel:|sms:|mailto:|\/(?!\/)|#)/i.test(value)) node.setAttribute("href", value);
}

export function swap(parent, ...children) {
  parent.replaceChildren(...children.flat().filter(Boolean));
}

/** Sets a text only where it differs, so that a clock's tick disturbs no screen reader and no layout. */
export function text(node, value) {
  if (node && node.textContent !== value) node.textContent = value;
}

export function show(node, visible) {
  if (node) node.hidden = !visible;
}

export const typingIn = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** Closes a window and leaves its fields at once: the browser does so a moment later, and the next key must not fall into them. */
export function shut(box) {
  if (box.contains(document.activeElement)) document.activeElement.blur();
  box.close();
}

export function dialog(id) {
  const box = byId(id);
  if (box && !box.dataset.ready) {
    box.dataset.ready = "yes";
    box.addEventListener("click", (event) => {
      if (event.target === box || event.target.closest("[data-close]")) shut(box);
    });
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault(); // the browser's own way is a moment later: the next key would still meet an open window
      shut(box);
    });
  }
  return box;
}

let toastTimer;
export function toast(message, kind = "") {
  const box = byId("toasts");
  if (!box) return;
  swap(box, el("p", { class: `toast ${kind}` }, message));
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => swap(box), 8000);
}

/** Nothing can be pressed until its script is here: a form would send itself, with what is in it in the address. */
export function ready() {
  for (const button of document.querySelectorAll("[data-wait]")) button.disabled = false;
}
