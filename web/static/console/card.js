// The card: why a person is needed, in the visitor's own words, and all that helps to begin. Facts, nothing made up.

import { config } from "./api.js";
import { byId, el, show, swap } from "./dom.js";
import { joined, marked } from "./talk.js";
import { OUTCOME, URGENCY, full, reason, when } from "./words.js";

const section = (title, ...content) => el("section", { class: "fact" }, el("h3", {}, title), content);

/** Opens the window where a mark becomes a test case. */
const inWords = (mark, state) => el("button", { type: "button", class: "quiet tiny", onclick: () => state.words(mark) }, mark.words ? "Your words are kept" : "In your own words …");

/** One message that fired: its words once, with every span marked, then each rule with why, and whether it was right. */
function flag(ones, state) {
  const [{ seq, text }] = ones;
  const same = ones.filter((one) => one.text === text).map((one) => ({ from: one.span[0], to: one.span[1], why: one.why }));
  const rules = [...new Map(ones.map((one) => [one.rule, one])).values()];
  return el(
    "li",
    { class: "flag" },
    el("blockquote", { dir: "auto" }, marked(text, joined(same))),
    rules.map((one) => {
      const made = state.marks.find((m) => m.rule === one.rule && m.seq === seq);
      const mark = made?.mark;
      const choose = (name) =>
        el(
          "button",
          { type: "button", class: "quiet tiny", "aria-pressed": String(mark === name), "aria-label": `The flag ${one.rule} was ${name}`, onclick: () => state.mark(name, one) },
          name,
        );
      return el("div", { class: "flag-rule" }, el("p", {}, one.why || "A rule fired", " ", el("code", {}, one.rule)), el("p", { class: "flag-marks" }, choose("right"), choose("wrong"), mark === "wrong" ? inWords(made, state) : null));
    }),
  );
}

function flags(fired, state) {
  const messages = new Map();
  for (const one of fired) messages.set(one.seq, [...(messages.get(one.seq) ?? []), one]);
  return el("ul", { class: "flags" }, [...messages.values()].reverse().map((ones) => flag(ones, state)));
}

function terms(pairs) {
  const shown = pairs.filter(([, value]) => value);
  return shown.length ? el("dl", { class: "terms" }, shown.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", { dir: "auto" }, value)))) : null;
}

function earlier(h) {
  return el("li", {}, el("b", {}, full(h.opened_at)), ` · ${reason(h.reason)}, urgency ${h.urgency}`, h.outcome ? ` · ${OUTCOME[h.outcome] ?? h.outcome}` : "");
}

export function draw(state, booking) {
  const { handoff: h } = state;
  const card = h.card;
  const parts = [];
  if (card.safe_contact) parts.push(el("p", { class: "careful" }, el("strong", {}, "Safe contact: "), el("span", { dir: "auto" }, card.safe_contact)));
  if (card.fired.length) parts.push(section("Words that fired", flags(card.fired, state)));
  const contact = terms([
    ["Reach them", card.contact === card.booking?.contact ? "" : card.contact],
    ["What they wrote with it", card.note],
    ["Consent", card.consent],
  ]);
  if (contact) parts.push(section("Contact", contact));
  if (booking) parts.push(booking);
  if (card.articles.length)
    parts.push(section("Articles they read", el("ul", { class: "plain" }, card.articles.map((slug) => el("li", {}, el("a", { href: `/articles/${encodeURIComponent(slug)}`, target: "_blank", rel: "noopener" }, slug.replaceAll("-", " ")))))));
  if (card.shown.length) parts.push(section("What the assistant showed", el("p", { class: "shown-list" }, [...new Set(card.shown.map((name) => name.split("/")[0].replaceAll("_", " ")))].map((name) => el("span", { class: "chip" }, name)))));
  if (state.earlier.length) parts.push(section("Earlier handoffs", el("ul", { class: "plain" }, state.earlier.map(earlier))));
  parts.push(
    section(
      "About",
      terms([
        ["Language", h.language],
        ["Country", h.country || "not known"],
        ["Times shown in", (config.time_zone ?? "").replaceAll("_", " ")],
        ["Opened", full(h.opened_at)],
        ["Promised by", h.due_at ? full(h.due_at) : "nothing was promised"],
        ["First seen", h.acknowledged_at ? full(h.acknowledged_at) : "not yet"],
        ["Urgency", `${h.urgency} ${URGENCY[h.urgency]}`],
      ]),
    ),
  );
  const typing = document.activeElement?.closest("#card-body") ? document.activeElement.id : "";
  swap(byId("card-body"), parts);
  if (typing) byId(typing)?.focus({ preventScroll: true });
}

export function notes(state, mine) {
  swap(
    byId("notes-list"),
    state.notes.map((note) =>
      el("li", {}, el("p", { class: "said-who" }, el("b", { dir: "auto" }, note.by), " ", el("time", { datetime: note.created_at }, when(note.created_at))), el("p", { class: "note-text", dir: "auto" }, note.text)),
    ),
  );
  show(byId("notes"), true);
  show(byId("note-form"), mine);
}
