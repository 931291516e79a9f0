// What the visitor wrote, until the server has it: queued, sending, acknowledged, or failed with a way to try again.

const STEPS = { queued: ["sending"], sending: ["acknowledged", "failed", "queued"], failed: ["queued", "acknowledged"], acknowledged: [] };
const GONE = [401, 404, 410];
const REFUSED = [400, 403, 413, 415, 422];

/** A random id, also where the page has no secure context. */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Outbox {
  /**
   * post(item) sends one and gives the server's answer; changed(item), answered(item, answer), gone(item) are told;
   * save(items) keeps what is unsent. One is in flight at a time, so that order holds.
   */
  constructor({ post, changed, answered, gone, save, items = [] }) {
    Object.assign(this, { post, changed, answered, gone, save });
    this.items = items.map((item) => ({ ...item, state: item.state === "failed" && item.refused ? "failed" : "queued", tries: 0 }));
    this.timer = 0;
    this.busy = false;
  }

  add(text) {
    const item = { client_id: newId(), text, state: "queued", tries: 0 };
    this.items.push(item);
    this.tell(item);
    this.run();
    return item;
  }

  move(item, state) {
    if (!STEPS[item.state].includes(state)) return false;
    item.state = state;
    if (state === "acknowledged") this.items = this.items.filter((other) => other !== item);
    this.tell(item);
    return true;
  }

  tell(item) {
    this.save(this.items);
    this.changed(item);
  }

  /** The same client id again: the server answers a repeated one with its first answer. */
  retry(item) {
    item.refused = false;
    if (this.move(item, "queued")) this.run();
  }

  take(item) {
    this.items = this.items.filter((other) => other !== item);
    this.save(this.items);
  }

  /** The connection is back, or may be: everything that failed for want of it is queued again. */
  kick() {
    clearTimeout(this.timer);
    for (const item of this.items) if (item.state === "failed" && !item.refused) this.move(item, "queued");
    this.run();
  }

  /** The stream brought our own message before the answer did. */
  arrived(message) {
    const item = this.items.find((other) => other.client_id === message.client_id);
    if (!item) return null;
    if (item.state === "queued") this.move(item, "sending");
    this.move(item, "acknowledged");
    return item;
  }

  async run() {
    if (this.busy) return;
    this.busy = true;
    try {
      let item;
      while ((item = this.items.find((other) => other.state === "queued"))) {
        if (!(await this.once(item))) break;
      }
    } finally {
      this.busy = false;
    }
  }

  async once(item) {
    this.move(item, "sending");
    try {
      const answer = await this.post(item);
      this.move(item, "acknowledged");
      this.answered(item, answer);
      return true;
    } catch (problem) {
      if (problem.status === undefined) throw problem;
      if (item.state !== "sending") return true; // the stream has already shown that it arrived
      return this.failed(item, problem);
    }
  }

  async failed(item, problem) {
    item.why = problem.message;
    item.tries += 1;
    if (GONE.includes(problem.status) && !item.moved) {
      item.moved = true;
      this.move(item, "queued");
      return this.gone(item);
    }
    item.refused = REFUSED.includes(problem.status);
    item.busy = problem.status === 429;
    this.move(item, "failed");
    if (item.refused) return true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.kick(), 1000 * Math.max(problem.wait, Math.min(30, 2 ** item.tries)));
    return false;
  }

  stop() {
    clearTimeout(this.timer);
    this.items = [];
  }
}
