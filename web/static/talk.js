// One visit, from opening to leaving: joins the parts of the conversation page and holds what is known of it.

import { call } from "./calls.js";
import { showCountry, showState } from "./care.js";
import * as composer from "./composer.js";
import { cover, goTo, idleLock, onThreeShifts } from "./leave.js";
import * as log from "./list.js";
import { chooseLanguage, chooseTheme, openSheet, wire } from "./menu.js";
import { make, mark } from "./render.js";
import { Outbox } from "./send.js";
import * as session from "./session.js";
import { Stream } from "./stream.js";
import { attach, frameKeys, tell } from "./widget.js";
import { label, language, t } from "./words.js";

const $ = (id) => document.getElementById(id);
const config = JSON.parse($("config").textContent);
const OWNERS = { bot: "bot", queue: "waiting", clinician: "human" };
const embedded = document.body.classList.contains("embedded");
const practice = document.querySelector(".bar h1").textContent;
const title = document.title;
const path = (rest = "") => `/${encodeURIComponent(id)}${rest}`;

let id = null;
let conversation = null;
let stream = null;
let beginning = null;
let link = "open";
let clinician = "";
let open = !embedded;
let drafted = 0;
let gone = false; // left in a hurry: what still comes in is dropped

// ── what is shown ──────────────────────────────────────────────────────────────────────────────────────────────────

function act(type, value, words) {
  if (type === "ask") write(value || words);
  else if (type === "person") askPerson();
  else if (type === "exit") exit();
  else if (type === "exercise") companion((parts) => parts.exercise(value));
}

function take(list, options) {
  if (gone) return;
  const fresh = log.take(list, options);
  for (const m of fresh) {
    if (m.author === "clinician" && m.name) clinician = m.name;
    if (m.client_id) outbox.arrived(m);
    if (m.author !== "visitor") showTyping("");
  }
  if (fresh.length) count();
}

function took(answer) {
  take([answer.message, ...(answer.replies ?? [])]);
  apply(answer.conversation);
}

function count() {
  const unread = log.unread(open && document.visibilityState === "visible");
  document.title = unread && !embedded ? `(${unread}) ${title}` : title;
  tell("unread", { count: unread });
}

function showTyping(who) {
  if (gone) return;
  clearTimeout(showTyping.timer);
  const line = $("typing");
  const follow = log.follows();
  line.hidden = !who;
  if (!who) return;
  label(line, `log.typing_${who}`);
  if (follow) log.toEnd();
  showTyping.timer = setTimeout(() => showTyping(""), who === "bot" ? 30000 : 8000);
}

const ways = { contact: () => openSheet("contact"), read: () => companion((parts) => parts.reading()),
  leave: () => call("DELETE", `/${encodeURIComponent(id)}/handoff`).then((now) => apply(now.conversation), () => alertLine(t("contact.failed"))) };
const show = () => gone || showState({ conversation, link, name: clinician }, ways);

function apply(state) {
  if (!state || gone) return;
  const before = conversation?.owner;
  conversation = state;
  $("list").lang = config.spoken?.includes(state.language) ? state.language : "en"; // of the replies; the frame may speak another
  showTyping(state.typing === "clinician" ? "clinician" : "");
  show();
  if (before && before !== state.owner) {
    if (!$("card").hidden) log.say(`${$("card-title").textContent}. ${$("card-text").textContent}`);
    tell("state", { state: OWNERS[state.owner] ?? "bot" });
  }
}

function alertLine(words) {
  $("alert").textContent = words;
  $("alert").hidden = !words;
  if (words) log.say(words);
}

// ── the conversation ───────────────────────────────────────────────────────────────────────────────────────────────

/** The conversation's id; opens one when there is none. Several callers at once get the same one. */
function begin() {
  if (id) return Promise.resolve(id);
  beginning ??= openNew().finally(() => { beginning = null; });
  return beginning;
}

async function openNew() {
  const answer = await call("POST", "", { language: language(), country: session.get("country", config.country) });
  session.set("id", answer.id);
  session.set("token", answer.token);
  id = answer.id;
  take(answer.messages, { quiet: true });
  apply(answer.conversation);
  listen();
  linked("open");
  return id;
}

async function resync(quiet = false) {
  const data = await call("GET", path(`/messages?after=${log.last()}`));
  take(data.messages ?? [], { quiet });
  apply(data.conversation);
}

function listen() {
  stream?.stop();
  stream = new Stream({
    id,
    heartbeat: config.heartbeat_seconds ?? 20,
    last: log.last,
    heard: (event, data) => {
      if (data?.seq && data.author) take([data]);
      else if (data?.owner) apply(data);
      else if (event === "typing") showTyping(data?.typing === false ? "" : "clinician");
    },
    link: (now) => (now === "gone" ? lost() : linked(now)),
  });
  stream.start();
}

function linked(now) {
  if (link !== now) {
    link = now;
    show();
    tell("state", { state: now === "lost" ? "offline" : "online" });
    if (now === "lost") log.say(t("card.offline_title"));
  }
  if (now !== "open") return;
  outbox.kick();
  const chosen = Object.entries({ language: session.get("language"), country: session.get("country") }).filter(([, one]) => one !== null);
  if (chosen.some(([name, one]) => conversation && conversation[name] !== one)) tellChoice(Object.fromEntries(chosen));
  if (session.get("asked")) askPerson();
}

/** The server knows the conversation no more (erased, expired). What is on the screen stays; the next words open a new one. */
function lost() {
  stream?.stop();
  stream = id = conversation = null;
  clinician = "";
  for (const name of ["id", "token", "seen"]) session.set(name, null);
  log.detach();
  show();
}

/** Empties the screen and this tab's memory. */
function clear() {
  lost();
  outbox.stop();
  log.empty();
  session.wipe(["language", "country", "theme"]);
  composer.put("");
  alertLine("");
}

async function start() {
  clearTimeout(start.timer);
  id = id ?? session.get("id") ?? (session.blocked ? config.conversation ?? null : null);
  try {
    if (id && !stream) {
      await resync(true);
      listen();
      linked("open");
    }
  } catch (problem) {
    if (problem.status !== 401 && problem.status !== 404) return later();
    lost();
  }
  try {
    await begin();
    outbox.run();
  } catch {
    later();
  }
}

function later() {
  linked("lost");
  start.tries = Math.min(5, (start.tries ?? 0) + 1);
  start.timer = setTimeout(start, 1000 * 2 ** start.tries);
}

/** Back from sleep, from the air or from the browser's memory: messages as well as state, and a fresh line. */
function back() {
  count();
  if (!id || !stream) {
    if (link === "lost") start();
    return;
  }
  stream.check(true);
  resync().then(() => linked("open"), () => {});
}

// ── writing ────────────────────────────────────────────────────────────────────────────────────────────────────────

const outbox = new Outbox({
  items: session.get("unsent", []),
  save: (items) => session.set("unsent", items.length ? items : null),
  post: async (item) => {
    await begin();
    if (conversation?.owner !== "clinician") showTyping("bot");
    return call("POST", path("/messages"), { text: item.text, client_id: item.client_id });
  },
  answered: (item, answer) => {
    showTyping("");
    took(answer);
    if (link === "lost") back();
  },
  gone: () => {
    lost();
    alertLine(t("send.anew"));
    return true;
  },
  changed: (item) => {
    if (item.state === "failed") showTyping("");
    if (item.state === "acknowledged") return log.dropUnsent(item.client_id);
    mark(log.unsent(item), item, { retry: (one) => outbox.retry(one), edit: takeBack });
    if (item.state === "failed" && item.tries === 1) log.say(`${t("send.failed")}. ${item.refused ? item.why : t("send.kept")}`);
  },
});

function takeBack(item) {
  outbox.take(item);
  log.dropUnsent(item.client_id);
  composer.put(item.text, true);
}

function write(text) {
  alertLine("");
  outbox.add(text);
}

/** Only to people: what is being typed to a machine is nobody's business. */
function typing() {
  const now = Date.now();
  if (!id || now - drafted < 4000 || !["queue", "clinician"].includes(conversation?.owner)) return;
  drafted = now;
  call("POST", path("/typing"), { typing: true }).catch(() => {});
}

async function askPerson() {
  session.set("asked", true);
  $("person").setAttribute("aria-disabled", "true");
  try {
    await begin();
    const answer = await call("POST", path("/handoff"), {});
    session.set("asked", null);
    alertLine("");
    took(answer);
  } catch (problem) {
    if (problem.status === 401 || problem.status === 404) lost();
    alertLine(t("person.failed", { telephone: $("care").dataset.telephone }));
  } finally {
    $("person").removeAttribute("aria-disabled");
  }
}

// ── leaving ────────────────────────────────────────────────────────────────────────────────────────────────────────

function exit() {
  gone = true;
  cover();
  if (id) call("POST", path("/end"), {}, { keepalive: true }).catch(() => {});
  session.wipe();
  stream?.stop();
  outbox.stop();
  if (!embedded) return goTo(config.exit_url);
  tell("exit");
  // Should the page that holds us not answer, the frame leaves by itself.
  setTimeout(() => {
    try {
      window.top.location.replace(config.exit_url);
    } catch {
      goTo(config.exit_url);
    }
  }, 300);
}

// ── beside the conversation ────────────────────────────────────────────────────────────────────────────────────────

async function companion(run) {
  const parts = await import("./companion.js");
  parts.prepare({
    exercises: config.exercises ?? [],
    place: log.place,
    say: log.say,
    tellClinician: async (note) => {
      await begin();
      took(await call("POST", path("/handoff"), { note }));
    },
    waiting: () => Boolean(conversation?.handoff),
  });
  run(parts);
}

function refresh() {
  $("consent").textContent = config.consent?.[language()] ?? t("consent");
  tellChoice({ language: language() });
  show();
  composer.size();
  log.rename();
}

function setCountry(code) {
  if (!showCountry(code)) return;
  $("country").value = code;
  session.set("country", code);
  tellChoice({ country: code });
}

/** Whose lines the replies name, and in which language: told to the server too, and again after a lost line. */
function tellChoice(choice) {
  if (id) call("PATCH", path(), choice).then((answer) => apply(answer.conversation), () => {});
}

function ready() {
  log.setAct(act);
  log.keepInSight();
  $("open-menu").hidden = $("leave").hidden = false;
  composer.wire({ limit: config.text_limit ?? 4000, write, typing });
  for (const item of outbox.items) outbox.changed(item);
  $("person").addEventListener("click", () => { if (!$("person").hasAttribute("aria-disabled")) askPerson(); });
  $("leave").addEventListener("click", exit);
  $("earlier").addEventListener("click", log.earlier);
  onThreeShifts(window, exit);
  // Nobody who waits for a person, or whose words are not sent yet, is forgotten by the clock.
  idleLock(15, { forget: clear, begin: start, may: () => !conversation?.handoff && conversation?.owner !== "clinician" && !outbox.items.length });
  wire({ id: () => id, messages: log.inOrder, practice, refresh, country: setCountry, begin, erased: clear, took });
  $("open-plan").addEventListener("click", () => companion((parts) => parts.plan()));
  $("open-reading").addEventListener("click", () => companion((parts) => parts.reading()));
  for (const { id: name, title: words } of config.exercises ?? []) {
    const button = make("button", { type: "button", class: "button" }, words);
    button.addEventListener("click", () => { $("menu").close(); act("exercise", name); });
    $("exercise-buttons").append(button);
  }
  if (session.get("country") !== null) setCountry(session.get("country"));
  if (session.get("theme")) chooseTheme(session.get("theme"));
  const chosen = session.get("language");
  if (chosen && chosen !== language()) chooseLanguage(chosen, refresh).catch(() => {});
}

function listenToPage() {
  attach(config.origins ?? [], (message) => {
    if (message.type === "opened" || message.type === "closed") {
      open = message.type === "opened";
      count();
      if (open) $(document.body.classList.contains("locked") ? "unlock" : "text").focus();
    } else if (message.type === "prefill") {
      composer.put(message.text);
    } else if (message.type === "locale") chooseLanguage(message.language, refresh).catch(() => {});
    else if (message.type === "theme") chooseTheme(message.theme);
    else if (message.type === "reset") { clear(); start(); }
  });
  frameKeys();
}

/** The gallery shows this very page in its states, played by its own script; no other page can ask for that. */
function scene() {
  try {
    return parent !== window && parent.location.pathname === "/gallery" ? location.hash.slice(1) : "";
  } catch {
    return "";
  }
}

ready();
if (embedded) listenToPage();
composer.fitKeyboard();
if (scene()) {
  const { play } = await import("./scenes.js");
  play(scene(), { take, apply, linked, act, typing: showTyping, unsent: (item) => mark(log.unsent(item), item, {}) });
} else {
  for (const kind of ["online", "pageshow"]) addEventListener(kind, (event) => { if (kind === "online" || event.persisted) back(); });
  addEventListener("offline", () => linked("lost"));
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") back(); });
  setInterval(() => { if (conversation?.handoff) show(); }, 20000);
  start();
}
