// One line on a website: a launcher, and at its first use a frame from our own origin. No word of a visitor's passes through here.

const CARE = null; // the practice's name, words and first crisis lines: filled in by GET /embed.js

const BASE = new URL(import.meta.url).origin;
const STYLE = `
:host{all:initial!important;position:fixed!important;inset:0!important;pointer-events:none!important;display:block!important;z-index:var(--z,2147483647)!important;
font:16px/1.5 "Avenir Next",Avenir,"Segoe UI","Noto Sans","Noto Sans Arabic",system-ui,sans-serif!important;color:#22302c!important;color-scheme:light!important;print-color-adjust:exact}
:host([hidden]){display:none!important}
*{box-sizing:border-box}[hidden]{display:none!important}
.go{pointer-events:auto;position:absolute;bottom:max(16px,env(safe-area-inset-bottom));inset-inline-end:16px;display:flex;align-items:center;gap:10px;min-height:56px;padding:8px 22px 8px 16px;
border:2px solid #fffdf8;border-radius:28px;background:var(--accent,#1d5c50);color:var(--on,#fffdf8);font:inherit;font-weight:600;cursor:pointer;box-shadow:0 2px 14px #0004}
.go:focus-visible,a:focus-visible,.x:focus-visible{outline:3px solid #1d5c50;outline-offset:3px;box-shadow:0 0 0 3px #fffdf8}
.left .go,.left .panel{inset-inline:16px auto}
svg{width:30px;height:30px;flex:none}
.n{min-width:24px;padding:2px 6px;border-radius:12px;background:#fffdf8;color:#8c3b22;font-size:14px;text-align:center}
.panel{pointer-events:auto;position:fixed;inset:auto;bottom:88px;inset-inline-end:16px;width:min(400px,calc(100vw - 32px));height:min(700px,calc(100dvh - 104px));margin:0;padding:0;overflow:hidden;
border:1px solid #d6d0c1;border-radius:18px;background:#f6f3ec;color:inherit;box-shadow:0 8px 40px #0004}
iframe{position:absolute;inset:0;width:100%;height:100%;border:0;visibility:hidden;color-scheme:auto}
.on iframe{visibility:visible}.on .wait{visibility:hidden}
.wait{height:100%;padding:14px 18px;overflow:auto}
.wait p{margin:0 0 12px}.wait b{color:#8c3b22}
a{display:inline-flex;align-items:center;min-height:44px;margin:0 8px 8px 0;padding:4px 16px;border:1px solid #7c857f;border-radius:24px;color:#8c3b22;background:#fffdf8;font-weight:600;text-decoration:none}
.x{position:absolute;top:6px;inset-inline-end:6px;width:44px;height:44px;border:0;border-radius:50%;background:none;color:inherit;font:inherit;font-size:24px;cursor:pointer}
.on .x{display:none}
@media(max-width:480px){.panel,.left .panel{inset:0;width:100%;height:100%;max-width:none;max-height:none;border:0;border-radius:0}}
@media(prefers-reduced-motion:no-preference){.panel{animation:up .18s ease-out}@keyframes up{from{opacity:0;transform:translateY(10px)}}}
@media(forced-colors:active){.go,.panel,a{border:2px solid ButtonText}}
@media print{:host{display:none!important}}`;

const tag = [...document.querySelectorAll("script[src]")].find((one) => one.src === import.meta.url);
const set = { ...tag?.dataset };
const heard = {};
let root, go, panel, frame, port, left;
const state = { open: false, unread: 0, state: "closed", ready: false };
const waiting = [];

const make = (name, attributes = {}, ...children) => {
  const e = document.createElement(name);
  for (const key in attributes) e.setAttribute(key, attributes[key]);
  e.append(...children);
  return e;
};
const language = () => {
  const code = (set.locale || document.documentElement.lang || navigator.language || "en").slice(0, 2).toLowerCase();
  return CARE?.words[code] ? code : "en";
};
const w = (key, values = {}) => {
  let words = CARE?.words[language()]?.[key] ?? "Chat";
  if (words.other) words = words[new Intl.PluralRules(language()).select(values.count)] ?? words.other;
  return words.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
};
const tell = (type, detail = {}) => {
  for (const run of heard[type] ?? []) try { run(detail); } catch (error) { console.error(error); }
};
const web = (url) => /^https?:\/\/./i.test(url) && url;
const exitUrl = () => web(set.exitUrl) || CARE?.exit || "https://www.weather.gov/";
const query = (extra) => new URLSearchParams({ ...extra, lang: language(), ...(set.country && { country: set.country }), ...(set.theme && { theme: set.theme }), ...(set.accent && { accent: set.accent }), ...(set.ground && { ground: set.ground }), exit: exitUrl() });
const send = (message) => { if (port) port.postMessage(message); else waiting.push(message); };

// The luminance of #rgb or #rrggbb, 0 to 1; anything else is told and dropped.
function shine(name) {
  const hex = /^#([\da-f]{3}|[\da-f]{6})$/i.exec(set[name])?.[1];
  if (!hex) {
    console.warn(`Handrail: data-${name}="${set[name]}" is no colour: write #1d5c50`);
    set[name] = "";
    return 1;
  }
  const light = hex.replace(/^(.)(.)(.)$/, "$1$1$2$2$3$3").match(/../g).map((c) => parseInt(c, 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2];
}

// The words on the button are white or near-black, whichever can be read; in the panel the server sees to the same.
function paint() {
  const on = set.accent && (1.05 / (shine("accent") + 0.05) >= 4.5 ? "#fff" : "#111");
  if (set.accent) {
    root.host.style.setProperty("--accent", set.accent);
    root.host.style.setProperty("--on", on);
  }
  if (set.ground && shine("ground") < 0.79) {
    console.warn(`Handrail: data-ground="${set.ground}" is too dark for the words on it`);
    set.ground = "";
  }
}

function name() {
  const few = state.unread ? `, ${w("unread", { count: state.unread })}` : "";
  go.setAttribute("aria-label", w(state.open ? "close" : "chat") + few);
  go.setAttribute("aria-expanded", state.open);
  go.querySelector("span").textContent = w(state.open ? "close" : "chat");
  const badge = go.querySelector(".n");
  badge.hidden = !state.unread;
  badge.textContent = state.unread;
  root.querySelector("div").dir = CARE?.words[language()]?.dir ?? "ltr";
}

function lines() {
  const [call, number, text] = CARE?.lines[set.country?.toUpperCase()] ?? CARE?.lines[CARE.country] ?? [];
  const tel = (n) => make("a", { href: `tel:${n.split(",")[0].replace(/[^\d+]/g, "")}` }, w("call", { number: n }));
  const sms = (n) => make("a", { href: `sms:${n.split(" to ").pop().replace(/[^\d+]/g, "")}` }, w("text", { number: n }));
  const links = [call && tel(call), number && tel(number), text && sms(text)].filter(Boolean);
  const said = make("p", { role: "status" }, w("opening"));
  const x = make("button", { type: "button", class: "x", "aria-label": w("close") }, "×");
  x.onclick = close;
  return [make("div", { class: "wait" }, make("p", {}, make("b", {}, w("now"))), make("p", {}, ...links),
    make("p", {}, make("a", { href: `${BASE}/chat?${query()}`, target: "_blank", rel: "noopener" }, w("page"))),
    ...(CARE?.telephone ? [make("p", {}, tel(CARE.telephone))] : []), said), x];
}

function failed(why) {
  if (state.ready || state.state === "blocked") return;
  state.state = "blocked";
  panel.querySelector("[role=status]").textContent = w("failed");
  console.error(`Handrail: the chat frame is blocked (${why}). On the Handrail server set HANDRAIL_ALLOWED_ORIGINS=${location.origin} and, where this page has a Content-Security-Policy, add frame-src ${BASE}`);
  tell("error", { code: "blocked" });
}

function makeFrame() {
  frame = make("iframe", { title: w("title", { practice: CARE?.name ?? "" }), referrerpolicy: "no-referrer" });
  addEventListener("securitypolicyviolation", (event) => { if (event.blockedURI.startsWith(BASE) && /frame|child|default/.test(event.effectiveDirective)) failed(event.effectiveDirective); });
  setTimeout(() => failed("no answer"), 8000);
  frame.src = `${BASE}/chat?${query({ embed: 1 })}`;
  panel.replaceChildren(...lines(), frame);
}

addEventListener("message", (event) => {
  if (!frame || event.source !== frame.contentWindow || event.origin !== BASE || event.data?.handrail !== "hello") return;
  const channel = new MessageChannel();
  port = channel.port1;
  port.onmessage = ({ data }) => {
    if (data?.type === "close") close();
    else if (data?.type === "exit") leave();
    else if (data?.type === "unread" && Number.isInteger(data.count) && data.count >= 0 && data.count !== state.unread) {
      state.unread = data.count;
      name();
      tell("unread", { count: data.count });
    } else if (data?.type === "state" && ["bot", "waiting", "human", "offline", "online"].includes(data.state)) {
      state.state = data.state;
      tell("state", { state: data.state });
    }
  };
  frame.contentWindow.postMessage({ handrail: "port" }, BASE, [channel.port2]);
  state.ready = true;
  state.state = "bot";
  panel.classList.add("on");
  if (state.open) { frame.focus(); send({ type: "opened" }); }
  for (const message of waiting.splice(0)) send(message);
  tell("ready");
});

function open() {
  if (state.open) return;
  if (!frame) makeFrame();
  go.style.minWidth = `${go.offsetWidth}px`; // its words change, its place does not
  state.open = true;
  panel.hidden = false;
  if (!set.zIndex) try { panel.popover = "manual"; panel.showPopover(); } catch { /* an older browser: z-index has to do */ }
  name();
  if (state.ready) { frame.focus(); send({ type: "opened" }); } else panel.querySelector("a")?.focus();
  tell("opened");
}

function close() {
  if (!state.open) return;
  state.open = false;
  try { panel.hidePopover(); } catch { /* as above */ }
  panel.hidden = true;
  name();
  if (state.ready) send({ type: "closed" });
  go.focus();
  tell("closed");
}

function leave() {
  const sheet = make("div");
  sheet.style.cssText = "position:fixed;inset:0;background:#fff;z-index:2147483647;display:block";
  try { panel.hidePopover(); } catch { /* not open */ }
  document.documentElement.append(sheet);
  root.host.remove();
  document.title = "\u200b";
  if (!left) addEventListener("pageshow", () => location.replace(exitUrl()));
  left = true;
  location.replace(exitUrl());
}

let shifts = [];
addEventListener("keydown", (event) => {
  if (event.key !== "Shift" || event.ctrlKey || event.altKey || event.metaKey) shifts = [];
  else if (!event.repeat) {
    shifts = [...shifts, event.timeStamp].filter((at) => event.timeStamp - at < 2000);
    if (shifts.length > 2 && (set.exitUrl || frame)) leave();
  }
}, true);

class HandrailChat extends HTMLElement {
  connectedCallback() {
    if (this.shadowRoot) return;
    Object.assign(set, this.dataset);
    root = this.attachShadow({ mode: "open" });
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
    } catch {
      root.append(make("style", {}, STYLE));
    }
    if (/^\d{1,10}$/.test(set.zIndex)) this.style.setProperty("--z", set.zIndex);
    const ns = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(ns, "svg");
    const path = document.createElementNS(ns, "path");
    for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-linecap": "round", "aria-hidden": true })) svg.setAttribute(key, value);
    path.setAttribute("d", "M3 3.5h1.800c.8 0 1.5.3 2.100.8l10 8.600c.6.5 1.300.8 2.100.8H21M3 11.5h4.5v3.5H12v3.5h4.5V21H21");
    svg.append(path);
    go = make("button", { type: "button", class: "go", part: "launcher" }, svg, make("span"), make("span", { class: "n", hidden: "" }));
    go.onclick = toggle;
    go.hidden = "noLauncher" in set;
    panel = make("section", { class: "panel", hidden: "", "aria-label": w("title", { practice: CARE?.name ?? "" }) });
    const box = make("div", { class: /left/.test(set.position) ? "left" : "" }, go, panel);
    root.append(...(root.adoptedStyleSheets.length ? [] : [root.firstChild]), box);
    root.addEventListener("keydown", (event) => { if (event.key === "Escape" && state.open) close(); });
    paint();
    name();
  }
}

const toggle = () => (state.open ? close() : open());
const api = {
  version: CARE?.version ?? "",
  open, close, toggle,
  show() { root.host.hidden = false; },
  hide() { close(); root.host.hidden = true; },
  on(type, run) { (heard[type] ??= new Set()).add(run); return () => heard[type].delete(run); },
  reset() { send({ type: "reset" }); },
  setLocale(code) { set.locale = code; name(); send({ type: "locale", language: language() }); },
  setTheme(theme) { set.theme = theme; send({ type: "theme", theme: theme === "auto" ? "" : theme }); },
  prefill(text) { send({ type: "prefill", text: String(text).slice(0, 500) }); },
  getState: () => ({ ...state }),
  push(...calls) { for (const [method, ...values] of calls) api[method]?.(...values); },
};

function begin() {
  const early = window.Handrail;
  window.Handrail = Object.freeze(api);
  if (!customElements.get("handrail-chat")) customElements.define("handrail-chat", HandrailChat);
  if (!document.querySelector("handrail-chat")) document.body.append(document.createElement("handrail-chat"));
  if (Array.isArray(early)) api.push(...early);
}

if (!window.Handrail?.version && !customElements.get("handrail-chat")) {
  if (document.body) begin();
  else addEventListener("DOMContentLoaded", begin);
}
