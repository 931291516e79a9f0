// The visitor's calls of the HTTP API: JSON in, JSON out, and every failure a Problem with its status (0: no answer).

import * as session from "./session.js";

let ahead = 0; // how far the server's clock is ahead of this one, in ms

export class Problem extends Error {
  constructor(status, detail, wait = 0) {
    super(detail);
    this.status = status;
    this.wait = wait; // seconds, from Retry-After
  }
}

export const serverNow = () => Date.now() + ahead;

export function headers(extra = {}) {
  const token = session.get("token");
  return token ? { Authorization: `Bearer ${token}`, ...extra } : extra;
}

/** Where storage is blocked the partitioned cookie stands in for it; else nothing is left behind that outlives the tab. */
export const credentials = () => (session.blocked ? "same-origin" : "omit");

export async function call(method, path, body, { keepalive = false, seconds = 25 } = {}) {
  let answer;
  try {
    answer = await fetch(`/v1/conversations${path}`, {
      method,
      headers: headers(body === undefined ? {} : { "Content-Type": "application/json" }),
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: credentials(),
      cache: "no-store",
      keepalive,
      signal: AbortSignal.timeout?.(seconds * 1000),
    });
  } catch {
    throw new Problem(0, "");
  }
  const date = Date.parse(answer.headers.get("Date"));
  if (Math.abs(date - Date.now()) > 5000) ahead = date - Date.now();
  const text = await answer.text().catch(() => "");
  let data = {};
  try {
    data = text ? JSON.parse(text) : {};
  } catch {
    throw new Problem(answer.ok ? 0 : answer.status, "");
  }
  if (!answer.ok) throw new Problem(answer.status, data.detail ?? "", Number(answer.headers.get("Retry-After")) || 0);
  return data;
}
