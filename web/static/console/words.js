// How times, reasons and urgencies are said.

import { config, reasons, serverNow } from "./api.js";

export const URGENCY = ["Request", "Concern", "Check-in", "Crisis", "Emergency"];
export const OUTCOME = {
  resolved: "resolved",
  returned_to_bot: "back to the assistant",
  referred: "referred",
  no_contact: "no contact",
  duplicate: "duplicate",
};

export const reason = (name) => reasons[name] ?? name;

/** "40 s", "12 min", "3 h 05", "2 days": a span of ms. */
export function span(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, "0")}`;
  return `${Math.floor(hours / 24)} days`;
}

export const waited = (since) => span(serverNow() - Date.parse(since));

/** The promise's clock: ["due in 3 min", false] or ["late by 4 min", true]; ["", false] where nothing was promised. */
export function promise(due, seen) {
  if (!due || seen) return ["", false];
  const left = Date.parse(due) - serverNow();
  if (left < 0) return [`late by ${span(-left)}`, true];
  return [left > 24 * 3600e3 ? `due ${day(due)}` : `due in ${span(left)}`, false];
}

const zoned = (options) => {
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: config.time_zone, ...options });
  } catch {
    return new Intl.DateTimeFormat("en-US", options);
  }
};
const HOUR = zoned({ hour: "numeric", minute: "2-digit" });
const DAY = zoned({ weekday: "short", month: "short", day: "numeric" });
const FULL = zoned({ weekday: "short", month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });
const SECOND = zoned({ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

export const hour = (at) => HOUR.format(new Date(at));
export const day = (at) => DAY.format(new Date(at));
export const full = (at) => FULL.format(new Date(at));
export const second = (at) => SECOND.format(new Date(at));

/** Today's as an hour, others with their day. */
export const when = (at) => (day(at) === day(serverNow()) ? hour(at) : full(at));
