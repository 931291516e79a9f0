// A new urgent handoff is heard and seen: sound, the page's title, a desktop notification. No word of a visitor's is in any.

import { byId, dialog, show, text } from "./dom.js";
import { URGENCY } from "./words.js";

const KEY = "handrail-alerts";
const LOUD = 2; // from this urgency on
let chosen = { sound: false, desktop: false };
let sound;

try {
  chosen = { ...chosen, ...JSON.parse(localStorage.getItem(KEY)) };
} catch {
  // nothing remembered
}

function keep() {
  try {
    localStorage.setItem(KEY, JSON.stringify(chosen));
  } catch {
    // holds for this page
  }
}

/** Two soft tones, higher and longer for an emergency; made here, so that no file is fetched. */
function ring(urgency) {
  try {
    sound ??= new AudioContext();
    sound.resume();
    const tones = urgency >= 4 ? [660, 880, 660, 880] : urgency === 3 ? [660, 880] : [520];
    tones.forEach((pitch, n) => {
      const at = sound.currentTime + n * 0.28;
      const tone = sound.createOscillator();
      const level = sound.createGain();
      tone.frequency.value = pitch;
      level.gain.setValueAtTime(0, at);
      level.gain.linearRampToValueAtTime(0.16, at + 0.03);
      level.gain.exponentialRampToValueAtTime(0.001, at + 0.26);
      tone.connect(level).connect(sound.destination);
      tone.start(at);
      tone.stop(at + 0.28);
    });
  } catch {
    // no sound here
  }
}

function notify(urgency) {
  try {
    const note = new Notification(`Urgency ${urgency}: ${URGENCY[urgency]}`, {
      body: "Somebody is waiting in the queue.",
      tag: "handrail-queue",
      renotify: true,
      requireInteraction: urgency >= 3,
    });
    note.onclick = () => {
      window.focus();
      note.close();
    };
  } catch {
    // not supported here
  }
}

export function alertOf(urgency) {
  if (chosen.sound) ring(urgency);
  if (chosen.desktop && globalThis.Notification?.permission === "granted") notify(urgency);
}

let known = null; // handoff id -> urgency, from the first board on

/** What is new or has risen since the last board. The first board rings for nothing. */
export function look(board, me) {
  const now = new Map([...board.waiting, ...board.claimed.filter((h) => h.holder?.id === me)].map((h) => [h.id, h.urgency]));
  let loudest = -1;
  if (known)
    for (const [id, urgency] of now)
      if (urgency >= LOUD && urgency > (known.get(id) ?? -1)) loudest = Math.max(loudest, urgency);
  known = now;
  if (loudest >= 0) alertOf(loudest);
  return loudest;
}

const page = document.title;

/** The title carries how many wait, and says so where one of them is urgent. */
export function title(board) {
  const urgent = board.waiting.filter((h) => h.urgency >= 3).length;
  const count = board.waiting.length;
  document.title = urgent ? `(${count}) ● ${urgent} urgent · ${page}` : count ? `(${count}) ${page}` : page;
  const badge = byId("nav-count");
  if (badge) {
    show(badge, count > 0);
    text(badge, String(count));
    badge.dataset.urgent = urgent ? "yes" : "no";
  }
}

export function settings() {
  const box = dialog("alerts-sheet");
  const [ear, desk] = [byId("alert-sound"), byId("alert-desktop")];
  ear.checked = chosen.sound;
  desk.checked = chosen.desktop && globalThis.Notification?.permission === "granted";
  ear.onchange = () => {
    chosen.sound = ear.checked;
    keep();
  };
  desk.onchange = async () => {
    let allowed = false;
    if (desk.checked && globalThis.Notification) allowed = (await Notification.requestPermission()) === "granted";
    if (desk.checked && !allowed) text(byId("alert-note"), "Your browser does not allow notifications here.");
    chosen.desktop = desk.checked = desk.checked && allowed;
    keep();
  };
  byId("alert-try").onclick = () => alertOf(3);
  box.showModal();
}
