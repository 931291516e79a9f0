// Webhooks and their dead letters: why each was given up, and sent again, one or all.

import { call } from "./api.js";
import { byId, el, show, swap, text, toast } from "./dom.js";
import * as shell from "./shell.js";
import { full } from "./words.js";

async function again(hook, body, what) {
  text(byId("wrong"), "");
  show(byId("wrong"), false);
  try {
    const { replayed } = await call("POST", `/v1/webhooks/${hook.id}/replay`, body);
    toast(`${replayed} on the way again: ${what}`);
  } catch (problem) {
    text(byId("wrong"), problem.message);
    show(byId("wrong"), true);
  }
  await draw();
}

const button = (label, name, act) => el("button", { type: "button", class: "quiet", "aria-label": name, onclick: act }, label);

function letter(hook, one) {
  const resend = one.event === null ? null : button("Send again", `Send event ${one.event} again`, () => again(hook, { first: one.event, last: one.event }, `event ${one.event}`));
  return el(
    "tr",
    {},
    el("td", {}, one.event === null ? "" : String(one.event)),
    el("td", {}, one.type),
    el("td", {}, String(one.attempt)),
    el("td", { dir: "auto" }, one.last_error),
    el("td", { class: "acts" }, resend),
  );
}

function dead(hook) {
  if (!hook.letters.length) {
    return el("p", { class: "soft" }, "No dead letter.");
  }
  return [
    el("p", { class: "row" }, button(`Send all ${hook.letters.length} again`, `Send all dead letters of ${hook.url} again`, () => again(hook, {}, hook.url))),
    el(
      "div",
      { class: "wide", tabindex: "0", role: "region", "aria-label": `Dead letters of ${hook.url}` },
      el(
        "table",
        {},
        el("thead", {}, el("tr", {}, ["Event", "Type", "Attempts", "Why", ""].map((name) => el(name ? "th" : "td", name ? { scope: "col" } : {}, name)))),
        el("tbody", {}, hook.letters.map((one) => letter(hook, one))),
      ),
    ),
  ];
}

function shown(hook) {
  const state = hook.disabled_at ? `switched off ${full(hook.disabled_at)}: it answered that it is gone` : "on";
  return el(
    "section",
    { class: "panel" },
    el("h2", { dir: "auto" }, hook.url),
    el("p", { class: hook.disabled_at ? "off" : "soft" }, `${state} · ${hook.events.length ? hook.events.join(", ") : "every event"} · since ${full(hook.created_at)}`),
    dead(hook),
  );
}

async function draw() {
  try {
    const { webhooks } = await call("GET", "/v1/webhooks");
    const whole = await Promise.all(webhooks.map((hook) => call("GET", `/v1/webhooks/${hook.id}?state=dead`)));
    const hooks = whole.map((hook) => ({ ...hook, letters: hook.deliveries }));
    const letters = hooks.reduce((sum, hook) => sum + hook.letters.length, 0);
    text(byId("state"), hooks.length ? `${hooks.length} webhooks, ${letters} dead letters.` : "No webhook yet: whoever has a key with that scope registers one.");
    swap(byId("hooks"), hooks.map(shown));
  } catch (problem) {
    text(byId("state"), problem.message);
  }
}

shell.begin();
await draw();
