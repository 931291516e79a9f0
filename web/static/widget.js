// The frame's side of the widget: one port to the page that holds it. States and counts cross it; words never do.

const TAKES = {
  opened: () => true,
  closed: () => true,
  reset: () => true,
  prefill: (m) => typeof m.text === "string" && m.text.length <= 500,
  locale: (m) => /^[a-z]{2,3}$/.test(m.language),
  theme: (m) => ["", "light", "dark"].includes(m.theme),
};

let port = null;
let waiting = [];

/** True for a message of a known type and shape, and nothing else. */
export function known(data) {
  return typeof data === "object" && data !== null && Object.hasOwn(TAKES, data.type) && TAKES[data.type](data) === true;
}

/** Sends {type, …} to the page, once it has given us a port. */
export function tell(type, more = {}) {
  const message = { type, ...more };
  if (port) port.postMessage(message);
  else waiting.push(message);
}

/** Takes the first port that the page holding this frame offers, when its origin is allowed; heard(message) for each known one. */
export function attach(origins, heard) {
  if (parent === window) return;
  addEventListener("message", function offered(event) {
    if (event.source !== parent || ![location.origin, ...origins].includes(event.origin)) return;
    if (event.data?.handrail !== "port" || !event.ports[0]) return;
    removeEventListener("message", offered);
    port = event.ports[0];
    port.onmessage = ({ data }) => { if (known(data)) heard(data); };
    for (const message of waiting) port.postMessage(message);
    waiting = [];
  });
  // The page's origin is not known yet, and this greeting says nothing.
  parent.postMessage({ handrail: "hello" }, "*");
}

/** The frame's own way to close, by button and by Esc; and words typed before anything has the focus go into the box. */
export function frameKeys() {
  const button = document.getElementById("close");
  button.hidden = false;
  button.addEventListener("click", () => tell("close"));
  addEventListener("keydown", ({ key, ctrlKey, metaKey }) => {
    if (document.querySelector("dialog[open]")) return;
    if (key === "Escape") tell("close");
    // WebKit lets a frame take the focus only once a key was pressed in it: that very key is not lost.
    else if (document.activeElement === document.body && key.length === 1 && !ctrlKey && !metaKey) document.getElementById("text").focus();
  });
}
