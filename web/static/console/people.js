// People and API keys: added, changed, ended. A link or a key is shown once.

import { call, config } from "./api.js";
import { byId, el, show, swap, text, toast } from "./dom.js";
import * as shell from "./shell.js";
import { full } from "./words.js";

const ROLES = { clinician: "Clinician", front_desk: "Front desk", auditor: "Auditor", admin: "Admin" };

function wrong(words) {
  text(byId("wrong"), words);
  show(byId("wrong"), Boolean(words));
}

async function doing(work) {
  wrong("");
  try {
    await work();
  } catch (problem) {
    wrong(problem.message);
    byId("wrong").scrollIntoView({ block: "nearest" });
  }
  await draw();
}

function once(what, value) {
  text(byId("once-what"), what);
  text(byId("once-value"), value);
  show(byId("once"), true);
  byId("once").scrollIntoView({ block: "center" });
  byId("once-copy").focus();
}

const link = (made, name) => once(`A link for ${name} to set a password with. It works once, for a day, and is shown only now. Hand it over in a way that others cannot read.`, new URL(made.link, location.href).href);

/** A button that asks again before it acts: the first press changes its words. */
function sure(label, question, act) {
  const button = el("button", { type: "button", class: "quiet" }, label);
  let asked;
  button.addEventListener("click", () => {
    if (!asked) {
      text(button, question);
      button.classList.add("grave");
      asked = setTimeout(() => {
        asked = null;
        text(button, label);
      }, 5000);
      return;
    }
    clearTimeout(asked);
    doing(act);
  });
  return button;
}

function person(one) {
  const me = `user:${one.id}` === config.user.id;
  const role = el("select", { "aria-label": `Role of ${one.name}`, onchange: () => doing(() => call("POST", `/v1/console/people/${one.id}`, { role: role.value })) }, Object.entries(ROLES).map(([value, name]) => el("option", { value, selected: value === one.role }, name)));
  const acts = [
    sure("New link", "Password, second step and passkeys end: sure?", async () => link(await call("POST", `/v1/console/people/${one.id}/reset`, {}), one.name)),
    one.state === "disabled" ? null : sure("Disable", "Signed out everywhere at once: sure?", () => call("POST", `/v1/console/people/${one.id}/disable`, {})),
  ];
  return el(
    "tr",
    {},
    el("td", {}, el("strong", { dir: "auto" }, one.name), el("br"), el("span", { class: "soft small" }, one.email)),
    el("td", {}, me ? ROLES[one.role] : role),
    el("td", { class: one.state === "disabled" ? "off" : "" }, one.state + (one.on_duty ? ", on duty" : "")),
    el("td", {}, one.second_step ? "on" : "off"),
    el("td", { class: "acts" }, me ? el("span", { class: "soft" }, "you") : acts),
  );
}

function key(one) {
  return el(
    "tr",
    {},
    el("td", {}, el("strong", { dir: "auto" }, one.name), el("br"), el("code", {}, `${one.prefix}…`)),
    el("td", {}, one.scopes.join(", ")),
    el("td", { class: one.state === "active" ? "" : "off" }, one.state, one.expires_at ? el("span", { class: "soft small" }, ` until ${full(one.expires_at)}`) : null),
    el("td", {}, one.last_used_at ? full(one.last_used_at) : "never"),
    el("td", { class: "acts" }, one.state === "active" ? sure("Revoke", "It stops working now: sure?", () => call("DELETE", `/v1/console/keys/${one.id}`)) : null),
  );
}

async function draw() {
  try {
    const found = await call("GET", "/v1/console/people");
    swap(byId("people"), found.people.map(person));
    swap(byId("keys"), found.keys.length ? found.keys.map(key) : el("tr", {}, el("td", { colspan: 5, class: "soft" }, "No key yet.")));
  } catch (problem) {
    wrong(problem.message);
  }
}

byId("person-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = byId("person-name").value;
  doing(async () => {
    link(await call("POST", "/v1/console/people", { name, email: byId("person-email").value, role: byId("person-role").value }), name);
    event.target.reset();
  });
});
byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const scopes = [...event.target.querySelectorAll("[name=scope]:checked")].map((box) => box.value);
  const days = byId("key-days").value;
  doing(async () => {
    const made = await call("POST", "/v1/console/keys", { name: byId("key-name").value, scopes, days: days ? Number(days) : null });
    once("The key. It is shown only now: keep it where secrets are kept.", made.key);
    event.target.reset();
  });
});
byId("once-done").addEventListener("click", () => {
  text(byId("once-value"), "");
  show(byId("once"), false);
});
byId("once-copy").addEventListener("click", () =>
  navigator.clipboard.writeText(byId("once-value").textContent).then(
    () => toast("Copied."),
    () => toast("Select it and copy it by hand.", "grave"),
  ),
);
shell.begin();
draw();
