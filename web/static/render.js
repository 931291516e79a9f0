// A message as the visitor sees it. Text only ever becomes text: every element is made by hand, nothing is parsed as HTML.

import { clock, language, t } from "./words.js";

/** make("p", {class: "soft"}, "words", child, …) */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Addresses that may become links: http(s), telephone, text message, and pages of our own. */
export function safeUrl(value) {
  const text = String(value ?? "").trim();
  if (/^(tel|sms):[+\d,*#;?&=\w%.-]+$/i.test(text)) return text;
  try {
    const url = new URL(text, location.origin);
    return ["http:", "https:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

function outward(url, attributes, ...children) {
  return make("a", { ...attributes, href: url, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

/** One run of words: quotes marked, [n] and web addresses made links. */
function inline(text, citations) {
  const out = [];
  const marks = citations.filter((c) => c.quote).map((c) => ({ at: text.indexOf(c.quote), c })).filter(({ at }) => at >= 0);
  let place = 0;
  for (const { at, c } of marks.sort((a, b) => a.at - b.at)) {
    if (at < place) continue;
    out.push(...links(text.slice(place, at), citations), make("span", { class: "quote" }, c.quote));
    place = at + c.quote.length;
  }
  return [...out, ...links(text.slice(place), citations)];
}

function links(text, citations) {
  const out = [];
  let place = 0;
  for (const found of text.matchAll(/\[(\d{1,2})\]|https?:\/\/[^\s<>"”]+[^\s<>"”.,;:!?)\]]/g)) {
    const cited = found[1] ? citations.find((c) => c.n === Number(found[1])) : null;
    const url = safeUrl(cited ? cited.url : found[1] ? null : found[0]);
    if (!url || (found[1] && !cited)) continue;
    out.push(text.slice(place, found.index).replace(cited ? / $/ : "\0", "\u00a0")); // the mark stays with its word
    out.push(cited ? outward(url, { class: "mark-n", "aria-label": `${cited.title} (${t("new_tab")})` }, found[1]) : outward(url, {}, found[0]));
    place = found.index + found[0].length;
  }
  return [...out, text.slice(place)];
}

function paragraphs(text, citations) {
  const out = [];
  for (const block of text.split(/\n{2,}/)) {
    const lines = block.split("\n");
    let list = null;
    let words = null;
    for (const line of lines) {
      const item = line.match(/^\s*[-•*]\s+(.*)/);
      if (item) {
        if (!list) out.push((list = make("ul")));
        list.append(make("li", { dir: "auto" }, ...inline(item[1], citations)));
        words = null;
      } else if (line.trim()) {
        if (words) words.append(make("br"));
        else out.push((words = make("p", { dir: "auto" })));
        words.append(...inline(line, citations));
        list = null;
      }
    }
  }
  return out;
}

/** The text without its last block of "[1] title: address" lines, which are drawn as links instead. */
export function words({ text, citations = [] }) {
  const blocks = text.split(/\n{2,}/);
  const listed = (line) => citations.some((c) => line.startsWith(`[${c.n}] `) && line.endsWith(c.url));
  if (citations.length && blocks.length > 1 && blocks.at(-1).split("\n").every(listed)) blocks.pop();
  return blocks.join("\n\n");
}

function sources(citations) {
  if (!citations.length) return null;
  const rows = citations.map((c) =>
    make("li", {}, outward(safeUrl(c.url) ?? "#", { class: "source" },
      make("span", { class: "n", "aria-hidden": "true" }, String(c.n)),
      make("span", { dir: "auto" }, make("b", {}, c.title), c.heading && c.heading !== c.title ? ` · ${c.heading}` : null,
        make("span", { class: "unseen" }, `. ${t("source.read")} (${t("new_tab")})`)))));
  return make("ul", { class: "sources", "aria-label": t("source.from") }, ...rows);
}

function actions(list, act) {
  const row = make("div", { class: "actions" });
  for (const { type, label, value } of list) {
    if (["call", "text", "link"].includes(type)) {
      const scheme = { call: "tel:", text: "sms:", link: "" }[type];
      const bare = String(value);
      const [number, word] = type === "text" && / to /.test(bare) ? bare.split(" to ").reverse() : [bare.split(" then ")[0]];
      const url = safeUrl(type === "link" || /^(tel|sms|https?):/.test(bare) ? bare : scheme + number.replace(/[^\d+]/g, "") + (word ? `?&body=${encodeURIComponent(word)}` : ""));
      if (url) row.append(type === "link" ? outward(url, { class: "button", dir: "auto" }, label) : make("a", { class: "button", dir: "auto", href: url }, label));
    } else if (["ask", "person", "exit", "exercise"].includes(type)) {
      const button = make("button", { type: "button", class: "button", dir: "auto" }, label);
      button.addEventListener("click", () => act(type, value, label));
      row.append(button);
    }
  }
  return row.childElementCount ? row : null;
}

export function author(message) {
  if (message.author === "clinician") return message.name ? `${message.name} · ${t("who.clinician")}` : t("who.clinician");
  return t(`who.${message.author}`);
}

/** The list item of one message. `act(type, value, label)` is called for the buttons under it. */
export function draw(message, act) {
  const kinds = [message.author, message.kind === "notice" ? "notice" : "", message.kind].filter(Boolean);
  const item = make("li", { class: `m ${[...new Set(kinds)].join(" ")}`, "data-seq": message.seq ?? "" });
  const who = make("p", { class: "who", lang: language() }, author(message));
  if (message.created_at) who.append(" · ", make("time", { datetime: message.created_at }, clock(message.created_at)));
  const said = make("div", { class: "said" });
  if (message.author === "visitor") said.append(make("p", { dir: "auto" }, message.text));
  else said.append(...paragraphs(words(message), message.citations ?? []));
  item.append(who, said);
  const more = [sources(message.citations ?? []), actions(message.actions ?? [], act)].filter(Boolean);
  if (message.kind === "crisis") said.append(...more);
  else item.append(...more);
  return item;
}

/** Sent, waiting or not sent: under the visitor's own words, with what can be done about it. */
export function mark(element, item, { retry, edit }) {
  element.classList.remove("queued", "sending", "failed");
  element.querySelector(".state")?.remove();
  element.classList.add(item.state);
  const line = make("p", { class: "state", lang: language() }, t(item.state === "failed" && item.busy ? "error.busy" : `send.${item.state}`));
  if (item.state === "failed") {
    const again = make("button", { type: "button", class: "button" }, t("send.retry"));
    again.addEventListener("click", () => retry(item));
    line.append(again);
    if (item.refused) {
      line.firstChild.textContent = t("send.refused", { why: item.why });
      const back = make("button", { type: "button", class: "button" }, t("send.edit"));
      back.addEventListener("click", () => edit(item));
      line.append(back);
    }
  }
  element.append(line);
}
