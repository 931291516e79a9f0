// What is being written, kept: in memory always, in this tab's storage where that is allowed. Never another person's.

import { config } from "./api.js";

const PREFIX = "handrail-draft";
const memory = new Map();

const key = (handoff, field) => `${PREFIX}:${config.user?.id ?? ""}:${handoff}:${field}`;

export function read(handoff, field) {
  const name = key(handoff, field);
  if (memory.has(name)) return memory.get(name);
  try {
    return JSON.parse(sessionStorage.getItem(name)) ?? { text: "" };
  } catch {
    return { text: "" };
  }
}

/** `id` is the client id under which the text is sent, the same at each try. */
export function write(handoff, field, text, id = "") {
  const name = key(handoff, field);
  if (!text) {
    memory.delete(name);
    try {
      sessionStorage.removeItem(name);
    } catch {
      // memory has it
    }
    return;
  }
  memory.set(name, { text, id });
  try {
    sessionStorage.setItem(name, JSON.stringify({ text, id }));
  } catch {
    // memory has it
  }
}

/** At signing out by hand: nothing stays on a shared computer. */
export function wipe() {
  memory.clear();
  try {
    for (const name of Object.keys(sessionStorage)) if (name.startsWith(PREFIX)) sessionStorage.removeItem(name);
  } catch {
    // nothing was stored
  }
}

export const any = () => memory.size > 0;
