// The conversation as a list: each message drawn once, in its place, however often and in whatever order it comes.

import { author, draw, make, words } from "./render.js";
import * as session from "./session.js";

const $ = (id) => document.getElementById(id);
const PAGE = 150; // messages drawn at once; earlier ones on demand

export const messages = new Map(); // by seq
const rows = new Map(); // by seq, or by client id while unsent
let drawnFrom = Infinity;
let held = 0;
let act = () => {};

export const setAct = (run) => { act = run; };

/** The highest seq up to which nothing is missing: where a stream resumes. */
export function last() {
  while (messages.has(held + 1)) held += 1;
  return held;
}

export const newest = () => Math.max(0, ...messages.keys());
export const inOrder = () => [...messages.values()].sort((a, b) => a.seq - b.seq);

/** A whole message, once, to assistive technology. */
export function say(words) {
  const line = make("p", {}, words);
  $("say").append(line);
  setTimeout(() => line.remove(), 20000);
}

function insert(item, seq) {
  item.dataset.seq = String(seq);
  let after = $("list").lastElementChild;
  while (after && (after.dataset.wait || Number(after.dataset.seq) > seq)) after = after.previousElementSibling;
  if (after) after.after(item);
  else $("list").prepend(item);
}

/** Draws the new ones among `list`, tells them to assistive technology unless `quiet`, and gives them back. */
export function take(list, { quiet = false } = {}) {
  const fresh = list.filter((m) => m && !messages.has(m.seq)).sort((a, b) => a.seq - b.seq);
  if (!fresh.length) return fresh;
  for (const m of fresh) messages.set(m.seq, m);
  $("greeting")?.remove();
  const low = Math.min(drawnFrom, Math.max(1, newest() - PAGE));
  const follow = follows();
  for (const m of fresh) {
    if (m.seq < low) continue;
    drawnFrom = Math.min(drawnFrom, m.seq);
    rows.get(m.client_id)?.remove();
    rows.delete(m.client_id);
    const item = draw(m, act);
    rows.set(m.seq, item);
    insert(item, m.seq);
    if (!quiet && m.author !== "visitor") say(`${author(m)}: ${words(m)}`);
  }
  showEarlier();
  if (quiet) burst.row = fresh.at(-1).author === "visitor" ? null : rows.get(fresh.at(-1).seq);
  else arrived(fresh);
  if (follow || quiet) toEnd();
  return fresh;
}

/** The row of something that the visitor wrote and the server does not have yet. */
export function unsent({ client_id, text }) {
  let row = rows.get(client_id);
  if (!row) {
    row = draw({ author: "visitor", kind: "message", text }, act);
    row.dataset.wait = "1";
    rows.set(client_id, row);
    $("list").append(row);
    burst.row = null;
    toEnd();
  }
  return row;
}

export function dropUnsent(client_id) {
  rows.get(client_id)?.remove();
  rows.delete(client_id);
}

/** Puts something that is no message (an exercise) after the last one. */
export function place(item) {
  insert(item, newest());
  burst.row = item;
  item.scrollIntoView({ block: "start" });
}

// Follows the talk to its end, unless the visitor has scrolled away; a reply that is longer than the room is read from its start.
let put = -1; // where we last scrolled to
const burst = { row: null, at: 0 };

export function follows() {
  const box = $("log");
  return Math.abs(box.scrollTop - put) < 4 || box.scrollHeight - box.scrollTop - box.clientHeight < 160;
}

export function toEnd() {
  const box = $("log");
  if (!box) return; // the page has been left
  box.scrollTop = box.scrollHeight;
  if (burst.row?.isConnected) box.scrollTop -= Math.max(0, box.getBoundingClientRect().top + 8 - burst.row.getBoundingClientRect().top);
  put = box.scrollTop;
}

function arrived(fresh) {
  const reply = fresh.find((m) => m.author !== "visitor");
  const person = reply?.author === "clinician";
  if (Date.now() - burst.at > 3000 || !burst.row || !reply || person) burst.row = reply ? rows.get(reply.seq) : null;
  burst.at = Date.now();
}

/** The card, the keyboard or a turned phone takes room: what was in sight at the end stays in sight. */
export function keepInSight() {
  let near = true;
  $("log").addEventListener("scroll", () => { near = follows(); }, { passive: true });
  new ResizeObserver(() => { if (near) toEnd(); }).observe($("log"));
}

const showEarlier = () => { $("earlier").hidden = ![...messages.keys()].some((seq) => seq < drawnFrom); };

export function earlier() {
  const older = inOrder().filter((m) => m.seq < drawnFrom).slice(-PAGE).reverse();
  const anchor = $("list").firstElementChild;
  const before = anchor.getBoundingClientRect().top;
  for (const m of older) {
    const item = draw(m, act);
    rows.set(m.seq, item);
    $("list").prepend(item);
    drawnFrom = m.seq;
  }
  $("log").scrollTop += anchor.getBoundingClientRect().top - before;
  showEarlier();
}

/** Unread is computed from the last seq that was seen, never kept as a number. */
export function unread(looking) {
  if (looking && newest()) session.set("seen", newest());
  const seen = session.get("seen", 0);
  return inOrder().filter((m) => m.seq > seen && m.author !== "visitor").length;
}

/** A new conversation begins below: what stands here stays to be read, and its seqs mean nothing any more. */
export function detach() {
  for (const item of rows.values()) if (!item.dataset.wait) item.dataset.seq = "0";
  for (const seq of messages.keys()) rows.delete(seq);
  messages.clear();
  held = 0;
  drawnFrom = Infinity;
}

export function empty() {
  detach();
  rows.clear();
  $("list").replaceChildren();
  $("say").replaceChildren();
}

/** The names above the messages, in the language chosen now. */
export function rename() {
  for (const [seq, item] of rows) {
    const m = messages.get(seq);
    if (!m) continue;
    const who = item.querySelector(".who");
    who.firstChild.textContent = author(m);
    who.lang = document.documentElement.lang;
  }
}
