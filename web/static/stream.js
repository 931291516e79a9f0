// What happens in the conversation, as it happens: one stream a conversation and browser, resumed by seq, its heartbeat checked.

import { credentials, headers } from "./calls.js";

/** Reads text/event-stream pieces; calls heard({event, id, data}) for each whole event. */
export function reader(heard) {
  let rest = "";
  let event = {};
  return (piece) => {
    const lines = (rest + piece).split(/\r\n|\n|\r/);
    rest = lines.pop();
    for (const line of lines) {
      if (line === "") {
        if (event.data !== undefined) heard(event);
        event = {};
      } else if (!line.startsWith(":")) {
        const at = line.indexOf(":");
        const name = at < 0 ? line : line.slice(0, at);
        const value = at < 0 ? "" : line.slice(at + 1).replace(/^ /, "");
        event[name] = name === "data" && event.data !== undefined ? `${event.data}\n${value}` : value;
      }
    }
  };
}

export class Stream {
  /** heard(event name, data), link("open" | "lost" | "gone"), last() the highest seq held. */
  constructor({ id, heartbeat, heard, link, last }) {
    Object.assign(this, { id, heartbeat: heartbeat * 1000, heard, link, last });
    this.tries = 0;
    this.alive = 0;
    this.stopped = false;
    this.ends = new AbortController();
    try {
      this.others = new BroadcastChannel(`handrail-${id}`);
      this.others.onmessage = ({ data }) => this.heard(data.event, data.data);
    } catch {
      this.others = null;
    }
  }

  /** Waits for its turn where another tab streams the same conversation already; that one passes on what it hears. */
  async start() {
    this.watch = setInterval(() => this.check(), Math.min(5000, this.heartbeat));
    try {
      await navigator.locks.request(`handrail-${this.id}`, { signal: this.ends.signal }, () => this.loop());
    } catch {
      if (!this.stopped) await this.loop();
    }
  }

  async loop() {
    this.leads = true;
    while (!this.stopped) {
      this.request = new AbortController();
      this.alive = Date.now();
      try {
        await this.once(this.request.signal);
      } catch {
        // a lost line is the ordinary case: the next round resumes after the last seq
      }
      if (this.stopped) return;
      this.link("lost");
      await this.pause(Math.min(30000, 500 * 2 ** this.tries++) * (0.7 + 0.6 * Math.random()));
    }
  }

  async once(signal) {
    const answer = await fetch(`/v1/conversations/${encodeURIComponent(this.id)}/events`, {
      headers: headers({ Accept: "text/event-stream", "Last-Event-ID": String(this.last()) }),
      credentials: credentials(),
      cache: "no-store",
      signal,
    });
    if ([401, 404, 410].includes(answer.status)) {
      this.stop();
      this.link("gone");
      return;
    }
    if (!answer.ok || !answer.body) throw new Error(`stream ${answer.status}`);
    this.tries = 0;
    this.link("open");
    const decoder = new TextDecoder();
    const feed = reader((event) => this.got(event));
    const body = answer.body.getReader();
    for (;;) {
      const { done, value } = await body.read();
      if (done || this.stopped) return;
      this.alive = Date.now();
      feed(decoder.decode(value, { stream: true }));
    }
  }

  got({ event = "message", data }) {
    let parsed;
    try {
      parsed = JSON.parse(data);
    } catch {
      return;
    }
    this.heard(event, parsed);
    this.others?.postMessage({ event, data: parsed });
  }

  pause(ms) {
    return new Promise((done) => {
      this.wake = done;
      setTimeout(done, ms);
    });
  }

  /** A line that says nothing for over two heartbeats is dead, whatever the browser thinks of it. */
  check(now = false) {
    if (!this.leads || this.stopped) return;
    if (Date.now() - this.alive > this.heartbeat * (now ? 1.1 : 2.2)) this.request?.abort();
    if (now) {
      this.tries = 0;
      this.wake?.();
    }
  }

  stop() {
    this.stopped = true;
    clearInterval(this.watch);
    this.ends.abort();
    this.request?.abort();
    this.wake?.();
    this.others?.close();
  }
}
