// The figures: waits, promises, flags and their marks, volume by hour, what the articles lack.

import { call } from "./api.js";
import * as chart from "./chart.js";
import { byId, el, swap, text } from "./dom.js";
import * as shell from "./shell.js";
import { URGENCY, reason, span } from "./words.js";

const panel = (title, about, ...content) => el("section", { class: "panel", "aria-label": title }, el("h2", {}, title), about ? el("p", { class: "soft small" }, about) : null, content);
const tile = (value, label) => el("div", { class: "tile" }, el("b", {}, String(value)), el("span", {}, label));
const level = (urgency) => `${urgency} ${URGENCY[urgency]}`;
const seconds = (value) => (value === null ? "none seen" : span(value * 1000));

function waits(rows) {
  return panel(
    "Wait until a person looked",
    "Median as a bar; the line reaches to where nine in ten had been seen.",
    chart.bars(
      "Wait until a person looked, by urgency",
      rows.map((row) => ({
        label: level(row.urgency),
        parts: [{ value: (row.median ?? 0) / 60, kind: `u${row.urgency}` }],
        whisker: (row.p90 ?? 0) / 60,
        after: row.seen ? seconds(row.median) : row.handoffs ? "not seen yet" : "none",
      })),
    ),
    chart.table(["Urgency", "Handoffs", "Seen", "Median", "Nine in ten"], rows.map((row) => [level(row.urgency), row.handoffs, row.seen, seconds(row.median), seconds(row.p90)])),
  );
}

function promises(rows) {
  return panel(
    "Promises",
    "What the visitor was told of when somebody would look.",
    chart.bars(
      "Promises kept and broken, by urgency",
      rows.map((row) => ({
        label: level(row.urgency),
        parts: [{ value: row.kept, kind: "a" }, { value: row.broken, kind: "b" }, { value: row.open, kind: "c" }],
        after: row.kept + row.broken + row.open ? `${row.kept} of ${row.kept + row.broken}` : "none",
      })),
    ),
    chart.key(["a", "kept"], ["b", "broken"], ["c", "still to come"]),
    chart.table(["Urgency", "Kept", "Broken", "Still to come"], rows.map((row) => [level(row.urgency), row.kept, row.broken, row.open])),
  );
}

function flags(found) {
  const { marks } = found;
  return panel(
    "Flags and their marks",
    `${found.handoffs} handoffs were opened or raised by a rule. Clinicians marked ${marks.right ?? 0} flags right, ${marks.wrong ?? 0} wrong, and ${marks.missed ?? 0} messages that should have been flagged.`,
    found.rules.length ? chart.bars("Rules that fired most", found.rules.slice(0, 8).map((row) => ({ label: row.rule.slice(0, 20), parts: [{ value: row.fired, kind: "c" }], after: `${row.fired}${row.wrong ? `, ${row.wrong} wrong` : ""}` }))) : null,
    chart.table(["Rule", "Fired", "Marked right", "Marked wrong"], found.rules.map((row) => [row.rule, row.fired, row.right, row.wrong])),
  );
}

function volume(rows) {
  return panel(
    "Volume by hour",
    "By the practice's clock.",
    chart.hours("Conversations begun and handoffs opened, by hour of the day", rows.map((row) => ({ hour: row.hour, a: row.conversations, b: row.handoffs }))),
    chart.key(["c", "conversations begun"], ["a", "handoffs opened"]),
    chart.table(["Hour", "Conversations", "Handoffs"], rows.map((row) => [`${row.hour}:00`, row.conversations, row.handoffs])),
  );
}

function reasons(found) {
  const rows = Object.entries(found).sort((a, b) => b[1] - a[1]);
  if (!rows.length) return null;
  return panel("Reasons", "", chart.bars("Handoffs by reason", rows.slice(0, 10).map(([name, value]) => ({ label: reason(name).slice(0, 20), parts: [{ value, kind: "c" }], after: String(value) }))));
}

async function draw() {
  try {
    const found = await call("GET", `/v1/console/figures?days=${byId("days").value}`);
    const kept = found.promises.reduce((sum, row) => sum + row.kept, 0);
    const broken = found.promises.reduce((sum, row) => sum + row.broken, 0);
    text(byId("state"), found.whole ? "" : "There was more than is looked at here: the latest part is shown.");
    swap(
      byId("tiles"),
      tile(found.handoffs, "handoffs"),
      tile(found.by_hour.reduce((sum, row) => sum + row.conversations, 0), "conversations begun"),
      tile(kept + broken ? `${Math.round((100 * kept) / (kept + broken))}%` : "none yet", "promises kept"),
      tile(found.not_covered.asked, "questions not covered"),
      tile(found.flags.marks.missed ?? 0, "marked as missed"),
      tile(found.referrals.year, "times a crisis line was shown this year"),
    );
    swap(byId("plots"), waits(found.waits), promises(found.promises), volume(found.by_hour), flags(found.flags), reasons(found.reasons));
  } catch (problem) {
    text(byId("state"), problem.message);
  }
}

shell.begin();
byId("days").addEventListener("change", draw);
draw();
