// Writing: the reply and the private note. Nothing typed is lost: kept at each key, cleared only once the server has it.

import { call } from "./api.js";
import { byId, text } from "./dom.js";
import * as drafts from "./drafts.js";

const LIMIT = 4000; // characters, as the server counts them
const TYPING = 3000; // ms between two signs of typing

const newId = () => (crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random()}`);

/** A field with its draft. `send(text, id)` stores it; `sign` tells that a reply is being written (a note never does). */
export class Field {
  constructor({ field, form, state, name, send, sign }) {
    Object.assign(this, { field: byId(field), form: byId(form), state: byId(state), name, send, sign });
    this.handoff = "";
    this.busy = false;
    this.field.addEventListener("input", () => this.typed());
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
        event.preventDefault();
        this.submit();
      } else if (event.key === "Escape") this.field.blur();
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  open(handoff) {
    if (this.handoff === handoff) return;
    this.handoff = handoff;
    this.field.value = drafts.read(handoff, this.name).text;
    this.say("");
    this.grow();
  }

  typed() {
    const kept = drafts.read(this.handoff, this.name);
    drafts.write(this.handoff, this.name, this.field.value, this.tried ? newId() : kept.id || newId());
    this.tried = false;
    this.grow();
    const length = Array.from(this.field.value).length;
    this.say(length > LIMIT - 400 ? `${length.toLocaleString("en")} of ${LIMIT.toLocaleString("en")} characters` : "", length > LIMIT);
    if (this.sign && this.field.value && Date.now() - (this.signed ?? 0) > TYPING) {
      this.signed = Date.now();
      this.sign(true);
    }
  }

  grow() {
    this.field.rows = Math.min(10, Math.max(this.name === "note" ? 2 : 3, this.field.value.split("\n").length + 1));
  }

  say(words, wrong = false) {
    text(this.state, words);
    this.state.classList.toggle("wrong-state", wrong);
  }

  insert(words) {
    const { field } = this;
    const at = field.selectionStart ?? field.value.length;
    const before = field.value.slice(0, at);
    const gap = before && !/\s$/.test(before) ? (before.includes("\n") ? "\n\n" : " ") : "";
    field.setRangeText(gap + words, at, field.selectionEnd ?? at, "end");
    field.focus();
    this.typed();
    const blank = field.value.indexOf("[");
    const close = field.value.indexOf("]", blank);
    if (blank >= 0 && close > blank) field.setSelectionRange(blank, close + 1);
  }

  async submit() {
    const words = this.field.value;
    const handoff = this.handoff;
    if (this.busy || !words.trim()) return;
    const id = drafts.read(handoff, this.name).id || newId();
    drafts.write(handoff, this.name, words, id);
    this.busy = true;
    this.say("Sending …");

    try {
      await this.send(handoff, words, id);
      this.busy = false;
      if (this.handoff === handoff && this.field.value === words) this.field.value = "";
      if (drafts.read(handoff, this.name).text === words) drafts.write(handoff, this.name, "");
      this.grow();
      this.say("");
    } catch (problem) {
      this.busy = false;
      this.tried = problem.status !== 0 && problem.status < 500; // the server has judged this text: another one is another message
      this.say(`Not sent: ${problem.message}${problem.status === 0 ? " It is kept here: send it again." : " What you wrote is kept."}`, true);
      this.failed?.(problem);
    }
  }
}

export const sendReply = (handoff, words, id) => call("POST", `/v1/handoffs/${handoff}/messages`, { text: words, client_id: id });
export const sendNote = (handoff, words) => call("POST", `/v1/handoffs/${handoff}/notes`, { text: words });
