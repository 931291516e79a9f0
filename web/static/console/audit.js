// The audit log: filtered, paged backwards, and its chain checked.

import { call } from "./api.js";
import { byId, el, show, swap, text, toast } from "./dom.js";
import * as shell from "./shell.js";
import { second } from "./words.js";

let more = 0;

const row = (one) =>
  el(
    "tr",
    {},
    el("td", {}, String(one.id)),
    el("td", {}, el("time", { datetime: one.at }, second(one.at))),
    el("td", { dir: "auto", title: one.who }, one.name),
    el("td", {}, one.action),
    el("td", {}, el("code", {}, one.subject)),
    el("td", {}, Object.entries(one.detail).map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ")),
  );

async function load(before = 0) {
  const query = new URLSearchParams({ before, actor: byId("actor").value, action: byId("action").value, subject: byId("subject").value });
  try {
    const found = await call("GET", `/v1/console/audit?${query}`);
    const drawn = found.rows.map(row);
    if (before) byId("rows").append(...drawn);
    else swap(byId("rows"), drawn.length ? drawn : el("tr", {}, el("td", { colspan: 6, class: "soft" }, "Nothing like this.")));
    more = found.more;
    show(byId("more"), more > 1);
  } catch (problem) {
    toast(problem.message, "grave");
  }
}

byId("filter").addEventListener("submit", (event) => {
  event.preventDefault();
  load();
});
byId("more").addEventListener("click", () => load(more));
byId("verify").addEventListener("click", async () => {
  const verdict = byId("verdict");
  try {
    const { rows, fault } = await call("POST", "/v1/console/audit/verify", {}, { seconds: 120 });
    text(verdict, fault ? `The log has been changed: ${fault}.` : `${rows.toLocaleString("en")} rows checked: none was changed or taken out.`);
    verdict.classList.toggle("bad", Boolean(fault));
    show(verdict, true);
  } catch (problem) {
    toast(problem.message, "grave");
  }
});
shell.begin();
load();
