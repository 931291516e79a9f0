// The queue: drawn from the board, each ticket with its wait and the promise's clock; moved through by key.

import { byId, el, swap, text } from "./dom.js";
import { URGENCY, promise, reason, waited } from "./words.js";

/** What it is about: a request for a consultation says so, also where it began as something else. */
export function title(h) {
  if (!h.booking) return [reason(h.reason)];
  return ["booking", "asked", "none"].includes(h.reason) ? [reason("booking")] : [reason(h.reason), el("span", { class: "chip" }, reason("booking"))];
}

export const badge = (urgency) =>
  el("span", { class: "badge", dataset: { urgency } }, el("b", {}, String(urgency)), el("span", {}, URGENCY[urgency]));

let board = { waiting: [], claimed: [], people: [] };
const read = new Map(); // conversation -> the last seq seen in this tab: what is new is worked out, never stored

export function saw(conversation, seq) {
  if (seq <= (read.get(conversation) ?? 0)) return;
  read.set(conversation, seq);
  if (board.claimed.some((h) => h.conversation === conversation && h.spoke)) draw(board, drawnFor);
}
let drawnFor = "";
let opened = "";
let open = () => {};

const OFFER = { offered: "Times offered", chosen: "They chose a time" };
const isNew = (h) => h.spoke > (read.get(h.conversation) ?? 0);
const nodes = new Map(); // id -> {item, drawn}

function ticket(h, me) {
  const old = nodes.get(h.id);
  const drawn = JSON.stringify([h.urgency, h.reason, h.why, h.holder, h.booking, h.language, h.acknowledged_at, h.due_at, h.paused, h.offer, h.holder?.id === me && isNew(h)]);
  if (old?.drawn === drawn) return old.item;
  const mine = h.holder?.id === me;
  const button = el(
    "button",
    { type: "button", class: "ticket", dataset: { id: h.id, urgency: h.urgency } },
    el(
      "span",
      { class: "ticket-main" },
      el("span", { class: "ticket-title" }, badge(h.urgency), ...title(h), mine && isNew(h) ? el("span", { class: "chip new" }, "New message") : null),
      h.why ? el("span", { class: "ticket-why" }, h.why) : null,
      h.paused ? el("span", { class: "ticket-why" }, "A clinician has this conversation now. The request is kept.") : null,
      el(
        "span",
        { class: "ticket-line" },
        el("span", { class: "wait" }),
        el("span", { class: "due" }),
        h.holder && !mine ? el("span", { class: "holder" }, h.holder.name) : null,
        OFFER[h.offer] ? el("span", { class: `chip ${h.offer}` }, OFFER[h.offer]) : null,
        !h.holder && h.acknowledged_at && !h.offer ? el("span", { class: "holder" }, "seen") : null,
        h.language !== "en" ? el("span", { class: "chip" }, h.language) : null,
      ),
    ),
  );
  button.addEventListener("click", () => open(h.id));
  const item = old?.item ?? el("li");
  swap(item, button);
  nodes.set(h.id, { item, drawn });
  return item;
}

function group(label, handoffs, me, empty) {
  if (!handoffs.length && !empty) return [];
  return [
    el("h3", { class: "line-up-label" }, label, el("span", { class: "soft" }, ` ${handoffs.length}`)),
    el("ol", { class: "tickets" }, handoffs.length ? handoffs.map((h) => ticket(h, me)) : el("li", { class: "none" }, empty)),
  ];
}

export function draw(next, me) {
  board = next;
  drawnFor = me;
  const focused = document.activeElement?.closest?.(".ticket")?.dataset.id;
  const all = new Set([...board.waiting, ...board.claimed].map((h) => h.id));
  for (const id of nodes.keys()) if (!all.has(id)) nodes.delete(id);
  const mine = board.claimed.filter((h) => h.holder?.id === me);
  const others = board.claimed.filter((h) => h.holder?.id !== me);
  swap(
    byId("line-up"),
    group("Yours", mine, me, ""),
    group("Waiting", board.waiting, me, "Nobody is waiting."),
    group("With colleagues", others, me, ""),
  );
  text(byId("queue-count"), String(board.waiting.length));
  const present = board.people.filter((person) => person.here || person.on_duty);
  swap(
    byId("staff"),
    present.map((person) =>
      el(
        "span",
        { class: "present", dataset: { here: person.here, duty: person.on_duty } },
        el("i", { "aria-hidden": "true" }),
        person.name,
        el("span", { class: "unseen" }, person.on_duty ? (person.here ? " on duty, here" : " on duty, not connected") : " here, off duty"),
      ),
    ),
  );
  if (focused) document.querySelector(`.ticket[data-id="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  mark(opened);
  tick();
}

/** The clocks, each second. */
export function tick() {
  for (const h of [...board.waiting, ...board.claimed]) {
    const item = nodes.get(h.id)?.item;
    if (!item) continue;
    const [due, late] = h.holder ? ["", false] : promise(h.due_at, h.acknowledged_at);
    text(item.querySelector(".wait"), `${h.holder ? "open" : "waiting"} ${waited(h.opened_at)}`);
    const clock = item.querySelector(".due");
    text(clock, due);
    clock.classList.toggle("late", late);
  }
}

/** Marks the ticket whose conversation is open. */
export function mark(id) {
  opened = id;
  for (const button of document.querySelectorAll(".ticket"))
    if (button.dataset.id === id) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
}

export function move(step) {
  const tickets = [...document.querySelectorAll(".ticket")];
  const at = tickets.indexOf(document.activeElement);
  const next = at < 0 ? (step > 0 ? 0 : tickets.length - 1) : at + step;
  tickets[Math.max(0, Math.min(tickets.length - 1, next))]?.focus();
}

export const find = (id) => [...board.waiting, ...board.claimed].find((h) => h.id === id);
export const onDuty = () => board.people.filter((person) => person.on_duty && person.role !== "front_desk");

export function begin(whenOpened) {
  open = whenOpened;
  setInterval(tick, 1000);
}
