// The conversation as staff read it: who said what told apart, the words that fired marked in the text.

import { byId, el, show, swap } from "./dom.js";
import { full, when } from "./words.js";

const WHO = { visitor: "Visitor", bot: "Assistant (automated)", system: "System", clinician: "Clinician" };
let seen = 0; // the highest seq that is drawn

/** The spans that fired in a message, found again in its whole text: the card may hold an excerpt of it. */
export function spans(message, fired) {
  const found = [];
  for (const one of fired.filter((f) => f.seq === message.seq)) {
    const place = message.text.indexOf(one.text);
    const at = Array.from(message.text.slice(0, Math.max(0, place))).length;
    if (place >= 0) found.push({ from: at + one.span[0], to: at + one.span[1], why: one.why, rule: one.rule });
  }
  return found;
}

/** Spans that overlap as one, in order: what fired for several reasons is marked once. */
export function joined(found) {
  const whole = [];
  for (const one of [...found].sort((a, b) => a.from - b.from || b.to - a.to)) {
    const last = whole.at(-1);
    if (last && one.from <= last.to) last.to = Math.max(last.to, one.to);
    else whole.push({ ...one });
  }
  return whole;
}

/** The text with marks around the spans. Offsets are counted in characters, as the server counts them. */
export function marked(text, found) {
  const letters = Array.from(text);
  const parts = [];
  let at = 0;
  for (const { from, to, why } of found) {
    if (from < at || to <= from) continue;
    parts.push(letters.slice(at, from).join(""), el("mark", { title: why }, letters.slice(from, to).join("")));
    at = to;
  }
  parts.push(letters.slice(at).join(""));
  return parts;
}

function links(message) {
  const tags = message.actions.filter((action) => action.type === "call" || action.type === "text" || action.type === "link");
  if (!message.citations.length && !tags.length) return null;
  return el(
    "p",
    { class: "said-more" },
    message.citations.map((c) => el("a", { href: c.url, target: "_blank", rel: "noopener" }, `${c.title}${c.heading ? ` · ${c.heading}` : ""}`)),
    tags.map((action) => el("span", { class: "chip" }, action.label)),
  );
}

function why(found) {
  const reasons = [...new Set(found.map((f) => f.why || f.rule))];
  if (!reasons.length) return null;
  return el("p", { class: "said-why" }, reasons[0], reasons.length > 1 ? el("span", { class: "soft" }, ` and ${reasons.length - 1} more on the card`) : null);
}

function item(message, state) {
  const name = message.author === "clinician" && message.name ? message.name : WHO[message.author];
  const found = message.author === "visitor" ? spans(message, state.handoff.card.fired) : [];
  const miss = state.marks.find((mark) => mark.mark === "missed" && mark.seq === message.seq);
  const missed = Boolean(miss);
  return el(
    "li",
    { class: `said ${message.author} kind-${message.kind}`, dataset: { seq: message.seq } },
    el("p", { class: "said-who" }, el("b", { dir: "auto" }, name), " ", el("time", { datetime: message.created_at, title: full(message.created_at) }, when(message.created_at))),
    el("div", { class: "said-text", dir: "auto" }, marked(message.text, joined(found))),
    why(found),
    links(message),
    message.author === "visitor" && !found.length
      ? el("button", { type: "button", class: "miss quiet", "aria-pressed": String(missed), onclick: () => state.miss(message.seq) }, missed ? "Marked: a flag was missed" : "A flag was missed here")
      : null,
    miss ? el("button", { type: "button", class: "quiet tiny", onclick: () => state.words(miss) }, miss.words ? "Your words are kept" : "In your own words …") : null,
  );
}

const atEnd = (log) => log.scrollHeight - log.scrollTop - log.clientHeight < 80;

/** Draws what is new; `whole` draws all of it. A reader who scrolled up is left where they are. */
export function draw(state, whole = false) {
  const [log, list] = [byId("log"), byId("lines")];
  const stay = !whole && !atEnd(log);
  if (whole) {
    swap(list);
    seen = 0;
  }
  for (const message of state.messages.filter((m) => m.seq > seen)) {
    list.append(item(message, state));
    seen = message.seq;
  }
  if (!stay) requestAnimationFrame(() => (log.scrollTop = log.scrollHeight));
}

/** Draws one message anew: its marks have changed. */
export function again(state, seq) {
  const message = state.messages.find((m) => m.seq === seq);
  document.querySelector(`.said[data-seq="${seq}"]`)?.replaceWith(item(message, state));
}

export function typing(on) {
  const log = byId("log");
  const stay = !atEnd(log);
  show(byId("typing"), on);
  if (on && !stay) log.scrollTop = log.scrollHeight;
}
