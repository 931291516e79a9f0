// A consultation request and its answer: a slot given, others offered, or no, with somewhere else to turn to.

import { call } from "./api.js";
import { el, show, text } from "./dom.js";
import { full } from "./words.js";

const WHOM = { me: "themselves", other: "someone else" };

function terms(b) {
  const rows = [
    ["Name to use", b.name],
    ["For", WHOM[b.whom] ?? b.whom],
    ["Contact", b.contact],
    ["Times, in their words", b.times],
    ["May we leave a message", b.may_leave_message],
    ["To know", b.note],
  ].filter(([, value]) => value);
  return el("dl", { class: "terms" }, rows.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", { dir: "auto" }, value))));
}

const drafts = new Map(); // handoff -> what is being filled in: a card that is drawn anew loses none of it

const local = (slot) => slot.split("/")[0].slice(0, 16);

/** `h` is the handoff, `appointment` what was answered so far; `done(handoff)` is called after each answer. */
export function panel(h, appointment, me, done) {
  const b = h.card?.booking;
  const head = el("h3", {}, "Consultation request");
  if (h.paused || !b) return el("section", { class: "fact booking" }, head, el("p", {}, h.paused ? "A clinician has this conversation now. The request is kept until they are done." : "No details yet."));
  const parts = [head, terms(b)];
  if (b.state && b.state !== "ready") parts.push(el("p", { class: "soft" }, b.state === "paused" ? "Paused: something else comes first." : "Not complete yet: they are still answering."));
  if (appointment?.state === "booked") parts.push(el("p", { class: "careful" }, `Accepted: ${full(appointment.start)}`));
  if (appointment?.offered?.length)
    parts.push(
      el("p", {}, appointment.chosen ? el("strong", {}, `They chose ${full(appointment.chosen)}.`) : "Offered, not answered yet: ", appointment.chosen ? null : appointment.offered.map((one) => full(one.start)).join(" · ")),
    );
  const mine = !h.holder || h.holder.id === me;
  if (h.state === "closed" || !mine) {
    if (!mine) parts.push(el("p", { class: "soft" }, `${h.holder.name} is answering this.`));
    return el("section", { class: "fact booking" }, parts);
  }
  parts.push(answer(h, b, appointment, done));
  return el("section", { class: "fact booking" }, parts);
}

function answer(h, b, appointment, done) {
  const wrong = el("p", { class: "wrong", role: "alert", hidden: true });
  const chosen = appointment?.chosen ? local(appointment.chosen) : "";
  const draft = drafts.get(h.id) ?? { start: "", minutes: appointment?.minutes ?? 15, referral: "", offers: [] };
  drafts.set(h.id, draft);
  const field = (tag, name, attributes) => {
    const made = el(tag, { ...attributes, oninput: () => (draft[name] = made.value) });
    made.value = draft[name];
    return made;
  };
  draft.start ||= chosen;
  const start = field("input", "start", { type: "datetime-local", id: "slot", required: true });
  const minutes = field("input", "minutes", { type: "number", id: "slot-minutes", min: 5, max: 240, step: 5 });
  const referral = field("textarea", "referral", { id: "referral", rows: 3 });
  const others = el("ul", { class: "plain offers" });
  const { offers } = draft;
  const line = (value) => others.append(el("li", {}, `to offer: ${value.replace("T", ", ")}`));
  offers.forEach(line);
  const choose = (slot) => (draft.start = start.value = local(slot));
  const send = (what, body) => async (event) => {
    event.preventDefault();
    show(wrong, false);
    try {
      const answered = await call("POST", `/v1/console/bookings/${h.id}/${what}`, body());
      drafts.delete(h.id);
      done(answered);
    } catch (problem) {
      text(wrong, problem.message);
      show(wrong, true);
    }
  };
  const wished = [...new Set([appointment?.chosen, ...(b.slots ?? [])].filter(Boolean))].slice(0, 6);
  const add = () => {
    if (!start.value || offers.includes(start.value) || offers.length >= 5) return;
    offers.push(start.value);
    line(start.value);
  };
  return el(
    "div",
    { class: "answer" },
    wished.length
      ? el("p", { class: "row" }, wished.map((slot) => el("button", { type: "button", class: "quiet tiny", onclick: () => choose(slot) }, full(slot.split("/")[0]))))
      : null,
    el("p", { class: "pair-fields" }, el("label", { for: "slot" }, "Start (practice's time)", start), el("label", { for: "slot-minutes" }, "Minutes", minutes)),
    wrong,
    el(
      "p",
      { class: "row" },
      el("button", { type: "button", class: "button main", onclick: (event) => start.reportValidity() && send("accept", () => ({ start: start.value, minutes: Number(minutes.value) }))(event) }, "Accept this time"),
      el("button", { type: "button", class: "button", onclick: (event) => (add(), offers.length || start.reportValidity()) && send("offer", () => ({ starts: offers, minutes: Number(minutes.value) }))(event) }, "Offer it instead"),
      el("button", { type: "button", class: "quiet", onclick: () => start.reportValidity() && add() }, "Add another time"),
    ),
    others,
    el(
      "details",
      { class: "decline", open: Boolean(draft.referral) },
      el("summary", {}, "Decline, with a referral"),
      el("label", { for: "referral" }, "Where they can turn to", referral),
      el("button", { type: "button", class: "button grave", onclick: send("decline", () => ({ referral: referral.value })) }, "Decline"),
    ),
  );
}
