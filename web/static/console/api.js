// The console's calls: JSON in, JSON out, every failure a Problem with its status (0: no answer).

const island = (id) => JSON.parse(document.getElementById(id)?.textContent || "null");

export const config = island("config") ?? {};
export const rows = island("rows");
export const reasons = island("reasons") ?? {};

let ahead = 0; // how far the server's clock is ahead of this one, in ms: a clock that is an hour off shows no wrong wait

export const serverNow = () => Date.now() + ahead;

export function clock(now) {
  const at = typeof now === "number" ? now : Date.parse(now);
  if (Number.isFinite(at)) ahead = at - Date.now();
}

export class Problem extends Error {
  constructor(status, detail, data = {}, wait = 0) {
    super(detail || (status ? `The server answered ${status}.` : "No answer from the server."));
    this.status = status;
    this.data = data;
    this.wait = wait; // seconds
  }
}

export const ended = new EventTarget(); // "ended": this session is over

export async function call(method, path, body, { seconds = 12 } = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: {
        Accept: "application/json",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(config.csrf ? { "X-CSRF-Token": config.csrf } : {}),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(seconds * 1000),
    });
  } catch {
    throw new Problem(0, "");
  }
  if (answer.status === 204) return null;
  const text = await answer.text().catch(() => "");
  let data = null;
  try {
    data = text ? JSON.parse(text) : null;
  } catch {
    throw new Problem(answer.ok ? 0 : answer.status, "");
  }
  if (answer.ok) return data;
  if (answer.status === 401 && config.csrf) ended.dispatchEvent(new CustomEvent("ended", { detail: "over" }));
  throw new Problem(answer.status, data?.detail ?? "", data ?? {}, Number(answer.headers.get("Retry-After")) || 0);
}
