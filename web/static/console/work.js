// The queue's page: what is open, who holds it, and what each key and button does to it.

import * as alerts from "./alerts.js";
import { call, config, rows } from "./api.js";
import * as booking from "./booking.js";
import * as card from "./card.js";
import { Field, sendNote, sendReply } from "./composer.js";
import * as dialogs from "./dialogs.js";
import { byId, show, swap, text, toast } from "./dom.js";
import { line } from "./line.js";
import * as queue from "./queue.js";
import * as shell from "./shell.js";
import * as talk from "./talk.js";
import { OUTCOME, URGENCY, waited } from "./words.js";

const me = config.user.id;
let state = null; // what is open: {handoff, messages, notes, earlier, marks, appointment}

const mine = () => state?.handoff.state === "claimed" && state.handoff.holder?.id === me;
const lastSeq = () => state?.messages.at(-1)?.seq ?? 0;

const reply = new Field({
  field: "reply",
  form: "reply-form",
  state: "reply-state",
  name: "reply",
  send: async (id, words, client) => heard((await sendReply(id, words, client)).message),
  sign: (on) => state && call("POST", `/v1/console/handoffs/${state.handoff.id}/typing`, { typing: on }).catch(() => {}),
});
const note = new Field({
  field: "note",
  form: "note-form",
  state: "note-state",
  name: "note",
  send: async (id, words) => {
    const made = (await sendNote(id, words)).note;
    if (state?.handoff.id !== id) return;
    state.notes.push(made);
    card.notes(state, true);
  },
});
reply.failed = note.failed = (problem) => problem.status === 409 && refresh();

// ── opening ──

async function open(id, focus = true) {
  if (state?.handoff.id === id && focus) return focusOn();
  try {
    state = config.transcripts ? await whole(id) : await request(id);
  } catch (problem) {
    return toast(problem.message, "grave");
  }
  history.replaceState(null, "", `#${id}`);
  document.querySelector(".work").dataset.view = "talk";
  queue.mark(id);
  reply.open(id);
  note.open(id);
  talk.typing(false);
  draw(true);
  if (config.transcripts) line.follow(id, lastSeq);
  if (focus) focusOn();
}

const focusOn = () => (mine() && config.transcripts ? byId("reply") : byId("talk-title")).focus();

async function whole(id) {
  const [handoff, marks] = await Promise.all([call("GET", `/v1/handoffs/${id}`), call("GET", `/v1/console/handoffs/${id}/marks`)]);
  const appointment = handoff.booking ? (await call("GET", `/v1/console/bookings/${id}`)).appointment : null;
  return {
    handoff,
    messages: handoff.messages,
    notes: handoff.notes,
    earlier: handoff.earlier,
    marks: marks.marks,
    appointment,
    mark: (mark, one) => setMark(mark, one.seq, one.rule),
    miss: (seq) => setMark("missed", seq, ""),
    words: (mark) => dialogs.testCase(state, mark, marked),
  };
}

/** The front desk's view: the request alone. */
async function request(id) {
  const handoff = await call("GET", `/v1/console/bookings/${id}`);
  const { appointment } = handoff;
  const bare = { fired: [], shown: [], articles: [], contact: "", safe_contact: "", note: "", consent: "", booking: null };
  const known = { reason: "booking", urgency: 0, ...queue.find(id), ...handoff };
  return { handoff: { card: bare, ...known }, messages: [], notes: [], earlier: [], marks: [], appointment };
}

async function refresh() {
  const id = state?.handoff.id;
  if (!id) return;
  try {
    const next = config.transcripts ? await whole(id) : await request(id);
    if (state?.handoff.id !== id) return;
    state = { ...next, presence: state.presence };
    draw(true);
  } catch (problem) {
    toast(problem.message, "grave");
  }
}

// ── drawing ──

const ACTS = {
  "act-take": () => state.handoff.state === "waiting" && !state.handoff.paused,
  "act-seen": () => state.handoff.state === "waiting" && !state.handoff.acknowledged_at && !state.handoff.paused,
  "act-urgency": () => mine() && config.transcripts,
  "act-transfer": () => mine() && config.transcripts,
  "act-release": mine,
  "act-close": () => mine() && config.transcripts,
};

function headline() {
  const h = state.handoff;
  const who = h.state === "waiting" ? `waiting ${waited(h.opened_at)}` : mine() ? "yours" : h.state === "closed" ? `ended: ${OUTCOME[h.outcome] ?? ""}` : `with ${h.holder?.name}`;
  swap(byId("talk-title"), queue.badge(h.urgency), " ", queue.title(h));
  text(byId("talk-state"), [who, h.language === "en" ? "" : h.language, h.country].filter(Boolean).join(" · "));
  const { visitor = "", since } = state.presence ?? {};
  byId("presence").dataset.here = visitor;
  text(byId("presence"), h.state === "closed" || !visitor ? "" : visitor === "here" ? "Visitor is here" : `Visitor left ${waited(since)} ago`);
  for (const [id, shown] of Object.entries(ACTS)) show(byId(id), shown());
}

function draw(all = false) {
  show(byId("empty"), false);
  show(byId("open"), true);
  headline();
  show(byId("log"), config.transcripts);
  show(byId("reply-form"), mine() && config.transcripts);
  if (config.transcripts) {
    queue.saw(state.handoff.conversation, lastSeq());
    talk.draw(state, all);
  }
  const panel = state.handoff.booking ? booking.panel(state.handoff, state.appointment, me, answered) : null;
  card.draw(state, panel);
  if (config.transcripts) card.notes(state, mine());
  show(byId("card"), config.transcripts);
  document.querySelector(".work").classList.toggle("has-card", config.transcripts);
}

function shut() {
  state = null;
  line.follow("");
  history.replaceState(null, "", location.pathname);
  document.querySelector(".work").dataset.view = "list";
  document.querySelector(".work").classList.remove("has-card");
  show(byId("empty"), true);
  show(byId("open"), false);
  show(byId("card"), false);
  queue.mark("");
}

// ── what comes in ──

function heard(message) {
  if (!state || message.seq <= lastSeq()) return;
  if (message.seq > lastSeq() + 1) return; // the stream brings what lies between, in order
  state.messages.push(message);
  queue.saw(state.handoff.conversation, message.seq);
  talk.draw(state);
  if (message.author === "visitor") talk.typing(false);
}

line.addEventListener("message", ({ detail }) => heard(detail));
line.addEventListener("typing", ({ detail }) => talk.typing(detail.typing));
line.addEventListener("presence", ({ detail }) => {
  if (!state) return;
  state.presence = detail;
  headline();
});
line.addEventListener("board", ({ detail }) => {
  queue.draw(detail, me);
  if (state) moved(queue.find(state.handoff.id));
});

/** What the board says of the handoff that is open: its holder, its urgency, its end. */
function moved(row) {
  const h = state.handoff;
  if (!row) {
    if (h.state !== "closed") refresh();
    return;
  }
  const same = (name) => row[name] === h[name];
  const told = h.booking && (row.spoke !== (h.spoke ?? row.spoke) || row.offer !== (h.offer ?? row.offer));
  Object.assign(h, { spoke: row.spoke, offer: row.offer });
  if (["version", "urgency", "state", "acknowledged_at"].every(same) && row.holder?.id === h.holder?.id) return told ? refresh() : undefined;
  const was = mine();
  const rose = row.urgency > h.urgency;
  Object.assign(h, { version: row.version, state: row.state, holder: row.holder, urgency: row.urgency, reason: row.reason, acknowledged_at: row.acknowledged_at });
  if (was && !mine()) say(row.holder ? `${row.holder.name} has it now. What you were writing is kept here.` : "It is back in the queue: your connection was lost for too long. What you were writing is kept here; take it again to go on.");
  else if (mine()) say("");
  if (rose) {
    toast(`Urgency rose to ${row.urgency}, ${URGENCY[row.urgency]}.`, "grave");
    alerts.alertOf(row.urgency);
  }
  refresh();
}

function say(words) {
  text(byId("notice"), words);
  show(byId("notice"), Boolean(words));
}

// ── what is done ──

async function act(path, body, after) {
  if (document.body.dataset.busy) return;
  document.body.dataset.busy = "yes";
  try {
    await after(await call("POST", path, body));
  } catch (problem) {
    toast(problem.message, "grave");
    refresh();
  } finally {
    delete document.body.dataset.busy;
  }
}

const takeNext = () => config.transcripts && act("/v1/handoffs/next", {}, async (taken) => (taken ? open(taken.id) : toast("Nobody is waiting.")));
const take = () => act(config.transcripts ? `/v1/handoffs/${state.handoff.id}/claim` : `/v1/console/bookings/${state.handoff.id}/take`, {}, async () => {
  say("");
  await refresh();
  focusOn();
});
const seen = () => act(`/v1/${config.transcripts ? "handoffs" : "console/bookings"}/${state.handoff.id}/acknowledge`, {}, async () => refresh());

function stepped(handoff) {
  if (state?.handoff.id !== handoff.id) return;
  if (handoff.state === "closed" || handoff.holder?.id !== me) {
    toast(handoff.state === "closed" ? "Ended." : handoff.holder ? `${handoff.holder.name} has it now.` : "Back in the queue.");
    shut();
    byId("take-next")?.focus();
  } else refresh();
}

function answered(handoff) {
  toast(handoff.state === "closed" ? "Answered: the visitor has been told." : "Offered: the visitor has been told.");
  if (handoff.state === "closed") shut();
  else refresh();
}

async function setMark(mark, seq, rule) {
  await act(`/v1/console/handoffs/${state.handoff.id}/marks`, { mark, seq, rule }, async ({ mark: made }) => marked(made));
}

function marked(made) {
  state.marks = [...state.marks.filter((m) => !(m.seq === made.seq && m.rule === made.rule)), made];
  if (made.mark === "missed") talk.again(state, made.seq);
  draw();
  toast(made.words ? "Kept, in your words." : "Marked. Thank you: those who keep the rules see it.");
}

function toggleCard(force) {
  const on = document.querySelector(".work").classList.toggle("card-open", force);
  byId("act-card").setAttribute("aria-expanded", String(on));
  if (on) byId("card-close").focus();
}

const DOES = {
  "act-take": take,
  "act-seen": seen,
  "act-urgency": () => dialogs.urgency(state, stepped),
  "act-transfer": () => dialogs.transfer(state, queue.onDuty(), me, stepped),
  "act-release": () => dialogs.release(state, stepped),
  "act-close": () => dialogs.close(state, stepped),
};
for (const [id, does] of Object.entries(DOES)) byId(id).addEventListener("click", does);
const press = (id) => () => state && !byId(id).hidden && DOES[id]();

byId("take-next")?.addEventListener("click", takeNext);
byId("back").addEventListener("click", shut);
byId("act-card").addEventListener("click", () => toggleCard());
byId("card-close").addEventListener("click", () => toggleCard(false));
byId("canned-open").addEventListener("click", () => dialogs.canned(state, (words) => reply.insert(words)));
byId("articles-open").addEventListener("click", () => dialogs.articles((words) => reply.insert(words)));

shell.onKey({
  c: takeNext,
  j: () => queue.move(1),
  k: () => queue.move(-1),
  t: press("act-take"),
  a: press("act-seen"),
  u: press("act-urgency"),
  x: press("act-transfer"),
  l: press("act-release"),
  e: press("act-close"),
  r: () => mine() && byId("reply").focus(),
  n: () => mine() && (byId("card").offsetParent || toggleCard(true), byId("note").focus()),
  i: () => state && toggleCard(),
  q: () => (state ? shut() : null, byId("take-next")?.focus()),
  ";": () => mine() && dialogs.canned(state, (words) => reply.insert(words)),
  "/": () => mine() && dialogs.articles((words) => reply.insert(words)),
});

queue.begin(open);
if (rows) queue.draw({ people: [], ...rows }, me);
shell.begin();
setInterval(() => (state?.handoff.state === "waiting" || state?.presence?.since) && headline(), 1000);
if (location.hash.length > 1) open(location.hash.slice(1), false);
