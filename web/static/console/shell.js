// What every page of the console has: the line, the session's end, duty, theme, help, alerts, signing out.

import * as alerts from "./alerts.js";
import { call, config, ended } from "./api.js";
import { byId, dialog, ready, show, text, toast, typingIn } from "./dom.js";
import { wipe } from "./drafts.js";
import { line } from "./line.js";
import { URGENCY, span } from "./words.js";

const LINKS = { waiting: "Connecting …", open: "Connected", lost: "Not connected", ended: "Signed out" };
const WHY = {
  idle: "Nothing was done here for a while.",
  over: "The session is over.",
  elsewhere: "This session was ended from somewhere else.",
  disabled: "This account has been disabled.",
  revoked: "This key was revoked.",
};
const SOON = 120; // seconds before the idle end at which the page says so

export const onLine = config.user && config.user.role !== "auditor";

line.addEventListener("link", ({ detail }) => {
  const box = byId("link");
  if (!box) return;
  box.dataset.state = detail;
  text(byId("link-text"), LINKS[detail]);
  document.body.dataset.link = detail;
});

line.addEventListener("board", ({ detail }) => {
  alerts.title(detail);
  const rose = alerts.look(detail, config.user.id);
  if (rose >= 0) toast(`Urgency ${rose}, ${URGENCY[rose]}: somebody needs a person.`, rose >= 3 ? "grave" : "");
  const mine = detail.people.find((person) => person.id === config.user.id);
  const duty = byId("duty");
  if (mine && duty && document.activeElement !== duty) duty.checked = mine.on_duty;
});

line.addEventListener("beat", ({ detail }) => {
  const soon = config.user && detail.left > 0 && detail.left < SOON;
  const banner = byId("banner");
  show(banner, soon);
  if (soon) text(banner, `You will be signed out in ${span(detail.left * 1000)}: press any key to stay.`);
});

function gone(why) {
  line.stop();
  const box = byId("gone");
  if (!box || box.open) return;
  text(byId("gone-why"), WHY[why] ?? WHY.over);
  document.body.classList.add("is-gone"); // what was read is no longer in sight
  show(byId("banner"), false);
  box.addEventListener("cancel", (event) => event.preventDefault());
  box.showModal();
}
line.addEventListener("ended", ({ detail }) => gone(detail));
ended.addEventListener("ended", ({ detail }) => gone(detail));

// ── still here: whatever a person does keeps the session, at most one call a minute ──
let stayed = Date.now();
async function stay() {
  if (Date.now() - stayed < (byId("banner")?.hidden === false ? 0 : 60000)) return;
  stayed = Date.now();
  show(byId("banner"), false);
  try {
    await call("POST", "/v1/console/stay");
  } catch {
    // the line says what is wrong
  }
}
for (const name of ["keydown", "pointerdown"]) document.addEventListener(name, stay, { passive: true });

export async function setDuty(on) {
  const box = byId("duty");
  try {
    box.checked = (await call("POST", "/v1/console/duty", { on })).on_duty;
    toast(box.checked ? "You are on duty." : "You are off duty.");
  } catch (problem) {
    box.checked = !on;
    toast(problem.message, "grave");
  }
}

async function signOut() {
  try {
    await call("POST", "/v1/signin/out");
  } catch (problem) {
    if (problem.status !== 401) return toast(`Not signed out: ${problem.message}`, "grave");
  }
  wipe();
  line.stop();
  location.assign("/console");
}

function theme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try {
    localStorage.setItem("handrail-theme", root.dataset.theme);
  } catch {
    // holds for this page
  }
}

const KEYS = "handrail-keys";
let keysOn = true;
try {
  keysOn = localStorage.getItem(KEYS) !== "off";
} catch {
  // on
}

/** Single-key commands: not while typing or while one is being carried out, not with a modifier, not behind a window. */
export function onKey(commands) {
  document.addEventListener("keydown", (event) => {
    if (!keysOn || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typingIn(event.target)) return;
    if (document.body.dataset.busy || document.querySelector("dialog[open]")) return;
    const command = commands[event.key];
    if (!command) return;
    event.preventDefault();
    command(event);
  });
}

export function begin() {
  byId("duty")?.addEventListener("change", (event) => setDuty(event.target.checked));
  byId("sign-out")?.addEventListener("click", signOut);
  byId("theme")?.addEventListener("click", theme);
  byId("alerts")?.addEventListener("click", alerts.settings);
  byId("help-open")?.addEventListener("click", () => dialog("help").showModal());
  const keys = byId("keys-on");
  if (keys) {
    keys.checked = keysOn;
    keys.addEventListener("change", () => {
      keysOn = keys.checked;
      try {
        localStorage.setItem(KEYS, keysOn ? "on" : "off");
      } catch {
        // holds for this page
      }
    });
  }
  const menu = byId("me-menu");
  document.addEventListener("click", (event) => {
    if (menu?.open && (!menu.contains(event.target) || event.target.closest(".menu-list a, .menu-list button"))) menu.open = false;
  });
  menu?.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  onKey({ "?": () => dialog("help").showModal(), d: () => byId("duty") && setDuty(!byId("duty").checked) });
  ready();
  if (onLine) line.run();
  else show(byId("link"), false);
}
