// The stream: the queue, the open conversation, a heartbeat every few seconds. Silence is shown as "not connected".

import { clock, config } from "./api.js";

const BEAT = (config.beat ?? 3) * 1000;
const DEAD = BEAT * 2.2; // ms of silence after which the line is taken for dead, whatever the browser thinks of it

export class Line extends EventTarget {
  constructor() {
    super();
    this.handoff = "";
    this.after = () => 0;
    this.state = "waiting"; // waiting | open | lost | ended
    this.tries = 0;
    this.alive = Date.now();
    for (const name of ["online", "pageshow", "focus"]) window.addEventListener(name, () => this.nudge());
    document.addEventListener("visibilitychange", () => document.hidden || this.nudge());
    setInterval(() => this.check(), 1000);
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  become(state) {
    if (this.state === state || this.state === "ended") return;
    this.state = state;
    this.tell("link", state);
  }

  /** Follows a conversation too, from the seq that after() says; "" follows none. */
  follow(handoff, after = () => 0) {
    this.handoff = handoff;
    this.after = after;
    this.fresh = true;
    this.request?.abort();
    this.wake?.();
  }

  async run() {
    while (this.state !== "ended") {
      this.fresh = false;
      const request = (this.request = new AbortController());
      this.alive = Date.now();
      try {
        await this.once(request.signal);
      } catch {
        // a lost line is the ordinary case
      }
      if (this.state === "ended") return;
      if (this.fresh) continue;
      this.become("lost");
      await new Promise((done) => {
        this.wake = done;
        setTimeout(done, Math.min(10000, 300 * 2 ** Math.min(this.tries++, 6)) * (0.7 + 0.6 * Math.random()));
      });
    }
  }

  async once(signal) {
    const query = this.handoff ? `?handoff=${encodeURIComponent(this.handoff)}&after=${this.after()}` : "";
    const answer = await fetch(`/v1/stream${query}`, {
      headers: { Accept: "text/event-stream" },
      credentials: "same-origin",
      cache: "no-store",
      signal,
    });
    if (answer.status === 401) return this.end("over");
    if (!answer.ok || !answer.body) throw new Error(`stream ${answer.status}`);
    const body = answer.body.getReader();
    const decoder = new TextDecoder();
    let rest = "";
    for (;;) {
      const { done, value } = await body.read();
      if (done || signal.aborted) return;
      this.alive = Date.now();
      this.tries = 0;
      this.become("open");
      const frames = (rest + decoder.decode(value, { stream: true })).split("\n\n");
      rest = frames.pop();
      for (const frame of frames) this.heard(frame);
    }
  }

  heard(frame) {
    let name = "message";
    let data = "";
    for (const line of frame.split("\n")) {
      if (line.startsWith("event: ")) name = line.slice(7);
      else if (line.startsWith("data: ")) data += line.slice(6);
    }
    if (!data) return;
    const parsed = JSON.parse(data);
    if (name === "beat") clock(parsed.now);
    if (name === "ended") this.end(parsed.why);
    else this.tell(name, parsed);
  }

  end(why) {
    this.become("ended");
    this.tell("ended", why);
  }

  check() {
    if (this.state === "ended" || Date.now() - this.alive < DEAD) return;
    this.become("lost");
    this.request?.abort();
  }

  nudge() {
    this.tries = 0;
    if (Date.now() - this.alive > BEAT * 1.3) this.request?.abort();
    this.wake?.();
  }

  stop() {
    this.state = "ended";
    this.request?.abort();
  }
}

export const line = new Line();
