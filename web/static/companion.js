// Beside the answers: three guided exercises, a practice plan kept on this side only, and something to read while waiting.

import { openSheet, save } from "./menu.js";
import { newId } from "./send.js";
import * as session from "./session.js";
import { make } from "./render.js";
import { clock, t } from "./words.js";

const $ = (id) => document.getElementById(id);
let around = null;

/** around: {exercises, place(item), say(words), tellClinician(note), waiting()} */
export function prepare(given) {
  const first = around === null;
  around = given;
  if (first) wire();
}

// ── exercises ──────────────────────────────────────────────────────────────────────────────────────────────────────

function button(words, run, kind = "button") {
  const element = make("button", { type: "button", class: kind }, words);
  element.addEventListener("click", run);
  return element;
}

/** Puts the exercise into the conversation. The composer stays open beside it: what is written is screened as ever. */
export function exercise(name) {
  const found = around.exercises.find((one) => one.id === name);
  if (!found) return;
  document.querySelector(".exercise-row")?.remove();
  const box = make("section", { class: "exercise", "aria-label": found.title });
  intro(found, box);
  around.place(make("li", { class: "m exercise-row" }, box));
  box.querySelector("button").focus({ preventScroll: true });
}

function stop(box) {
  clearTimeout(box.timer);
  box.closest("li").remove();
  $("text").focus();
}

function intro(found, box) {
  box.replaceChildren(
    make("h2", {}, found.title),
    make("p", { class: "step" }, found.intro),
    make("p", { class: "row" }, button(t("exercise.next"), () => step(found, box, 0), "button main"), button(t("exercise.stop"), () => stop(box))),
    from(found),
  );
}

function from(found) {
  if (!found.article) return "";
  const link = make("a", { href: `/articles/${encodeURIComponent(found.article)}`, target: "_blank", rel: "noopener" }, t("source.read"), make("span", { class: "unseen" }, ` (${t("new_tab")})`));
  return make("p", { class: "soft" }, link);
}

function step(found, box, n) {
  clearTimeout(box.timer);
  const one = found.steps[n];
  if (!one) return outro(found, box);
  const next = () => step(found, box, n + 1);
  const where = make("p", { class: "soft" }, t("exercise.step", { n: n + 1, count: found.steps.length }));
  // The shape stays the same element from step to step, so that it moves on rather than jumps.
  const shape = box.querySelector(".breath") ?? make("div", { class: "breath", "aria-hidden": "true" }, make("b"), make("i"));
  const words = make("p", { class: "step" }, one.text);
  const row = make("p", { class: "row" }, button(t(one.seconds ? "exercise.skip" : "exercise.next"), next, "button main"), button(t("exercise.stop"), () => stop(box)));
  const focused = box.contains(document.activeElement);
  const last = found.steps[n - 1];
  box.replaceChildren(make("h2", {}, found.title), where, words, ...(one.move ? [shape] : []), row, from(found));
  if (focused) row.firstChild.focus({ preventScroll: true });
  box.scrollIntoView({ block: "start" });
  around.say(one.text);
  if (one.move) move(shape, one, last?.move);
  if (one.seconds) box.timer = setTimeout(next, one.seconds * 1000);
}

function move(shape, { move: way, seconds = 4 }, before) {
  const key = { in: "exercise.in", out: "exercise.out", hold: "exercise.hold" }[way];
  shape.firstChild.textContent = way === "hold" && before !== "in" ? "" : t(key);
  shape.style.setProperty("--beat", `${seconds}s`);
  if (way !== "hold") requestAnimationFrame(() => requestAnimationFrame(() => shape.classList.toggle("wide", way === "in")));
}

function outro(found, box) {
  box.replaceChildren(
    make("h2", {}, found.title),
    make("p", { class: "step" }, found.outro || t("exercise.done")),
    make("p", { class: "row" }, button(t("exercise.again"), () => step(found, box, 0)), button(t("menu.close"), () => stop(box), "button main")),
    from(found),
  );
  around.say(found.outro || t("exercise.done"));
  box.querySelector("button").focus({ preventScroll: true });
}

// ── the practice plan ──────────────────────────────────────────────────────────────────────────────────────────────

export function plan() {
  openSheet("plan");
  drawPlan();
}

function drawPlan() {
  const items = session.get("plan", []);
  $("plan-save").hidden = items.length === 0;
  $("plan-list").replaceChildren(...items.map((item) => {
    const again = item.again ? ` · ${t(`plan.${item.again.toLowerCase()}`)}` : "";
    const gone = button(t("plan.remove", { what: item.what }), () => {
      session.set("plan", items.filter((other) => other !== item));
      drawPlan();
    });
    return make("li", { dir: "auto" }, `${item.what} · ${clock(item.when)}${again}`, gone);
  }));
}

const stamp = (date) => date.toISOString().replace(/[-:]|\.\d+/g, "");
const local = (when) => when.replace(/[-:]/g, "").padEnd(15, "0");
const escaped = (text) => text.replace(/[\\;,]/g, "\\$&").replace(/\r?\n/g, "\\n");

/** A calendar line is at most 75 octets; longer ones go on after a break and a space. */
function folded(line) {
  let out = "";
  let room = 75;
  for (const character of line) {
    const octets = new TextEncoder().encode(character).length;
    if (octets > room) {
      out += "\r\n ";
      room = 74;
    }
    out += character;
    room -= octets;
  }
  return out;
}

/** The plan as an iCalendar file; times stay the visitor's own wall-clock times. */
export function calendar(items, now = new Date()) {
  const lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Handrail//Practice plan//EN"];
  for (const { id, what, when, again } of items) {
    lines.push("BEGIN:VEVENT", `UID:${id}@handrail`, `DTSTAMP:${stamp(now)}`, `DTSTART:${local(when)}`, "DURATION:PT15M", `SUMMARY:${escaped(what)}`);
    if (again) lines.push(`RRULE:FREQ=${again}`);
    lines.push("CLASS:PRIVATE", "END:VEVENT");
  }
  return [...lines, "END:VCALENDAR", ""].map(folded).join("\r\n");
}

// ── something to read ──────────────────────────────────────────────────────────────────────────────────────────────

export async function reading() {
  openSheet("reading");
  $("reading-share").hidden = !opened().length || !around.waiting();
  if ($("reading-list").childElementCount) return;
  const list = JSON.parse($("config").textContent).reading ?? [];
  $("reading-list").replaceChildren(...list.map(({ slug, title, summary }) => {
    const link = make("a", { href: `/articles/${encodeURIComponent(slug)}`, target: "_blank", rel: "noopener" }, title, make("span", { class: "unseen" }, ` (${t("new_tab")})`));
    link.addEventListener("click", () => {
      session.set("read", [...new Set([...opened(), title])]);
      $("reading-share").hidden = !around.waiting();
    });
    return make("li", {}, link, make("p", { class: "soft" }, summary ?? ""));
  }));
  const all = make("a", { href: "/articles", target: "_blank", rel: "noopener" }, t("reading.all"), make("span", { class: "unseen" }, ` (${t("new_tab")})`));
  $("reading-list").append(make("li", {}, all));
}

const opened = () => session.get("read", []);

// ── both ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function wire() {
  $("plan-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const item = { id: newId(), what: $("plan-what").value.trim(), when: $("plan-when").value, again: $("plan-again").value };
    if (!item.what || !item.when) return;
    session.set("plan", [...session.get("plan", []), item]);
    $("plan-what").value = "";
    drawPlan();
    $("plan-what").focus();
  });
  $("plan-save").addEventListener("click", () => save("practice-plan.ics", "text/calendar;charset=utf-8", calendar(session.get("plan", []))));
  $("reading-tell").addEventListener("click", async () => {
    try {
      await around.tellClinician(t("reading.note", { titles: opened().join("; ") }));
      $("reading-said").textContent = t("reading.told");
      session.set("read", null);
      $("reading-share").hidden = true;
    } catch {
      $("reading-said").textContent = t("contact.failed");
    }
  });
}
