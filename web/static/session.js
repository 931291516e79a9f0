// What this tab remembers: its conversation, what is unsent, what was seen. Storage may throw; then memory has to do.

const KEY = "handrail";
let state = {};
export let blocked = false;

try {
  state = JSON.parse(sessionStorage.getItem(KEY)) ?? {};
} catch (error) {
  blocked = !(error instanceof SyntaxError);
}

function write() {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(state));
  } catch {
    blocked = true;
  }
}

export const get = (name, otherwise = null) => state[name] ?? otherwise;

export function set(name, value) {
  if (value === null || value === undefined) delete state[name];
  else state[name] = value;
  write();
}

/** Forgets all of it; `keep` names what is no part of the conversation (a chosen country, a theme). */
export function wipe(keep = []) {
  state = Object.fromEntries(keep.filter((name) => name in state).map((name) => [name, state[name]]));
  try {
    if (keep.length) write();
    else sessionStorage.removeItem(KEY);
  } catch {
    blocked = true;
  }
}
