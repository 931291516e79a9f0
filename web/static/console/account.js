// One's own account: password, second step, passkeys, sessions.

import { call } from "./api.js";
import { byId, el, show, svg, swap, text, toast } from "./dom.js";
import { available, make } from "./passkey.js";
import * as shell from "./shell.js";
import { full } from "./words.js";

function form(id, send) {
  const sheet = byId(id);
  if (!sheet) return;
  const wrong = sheet.querySelector(".wrong");
  sheet.addEventListener("submit", async (event) => {
    event.preventDefault();
    show(wrong, false);
    try {
      await send(event.submitter?.value ?? "");
      sheet.reset();
    } catch (problem) {
      text(wrong, problem.message);
      show(wrong, true);
    }
  });
}

async function draw() {
  const mine = await call("GET", "/v1/account");
  text(byId("second-state"), mine.totp ? "On: signing in asks for a code of your app." : "Off. An app on your phone makes a code; with it, a stolen password alone is no use.");
  show(byId("totp-on"), !mine.totp);
  show(byId("totp-off"), mine.totp);
  show(byId("totp-codes"), mine.totp);
  swap(
    byId("passkeys"),
    mine.passkeys.map((key) => el("li", {}, el("p", {}, el("strong", { dir: "auto" }, key.name), el("span", { class: "soft" }, ` since ${full(key.made)}`)), el("button", { type: "button", class: "quiet", onclick: () => take(`/v1/account/passkeys/${encodeURIComponent(key.id)}`) }, "Take away"))),
  );
  swap(
    byId("sessions"),
    mine.sessions.map((one) =>
      el(
        "li",
        {},
        el("p", {}, one.here ? el("strong", {}, "Here") : one.address, el("br"), el("span", { class: "soft small" }, `${one.here ? `${one.address}, ` : ""}since ${full(one.since)}, last seen ${full(one.seen)}`), el("br"), el("span", { class: "soft small" }, one.agent)),
        one.here ? null : el("button", { type: "button", class: "quiet", onclick: () => take(`/v1/account/sessions/${one.id}`) }, "End it"),
      ),
    ),
  );
  show(byId("end-others"), mine.sessions.length > 1);
}

async function take(path) {
  try {
    await call("DELETE", path);
  } catch (problem) {
    toast(problem.message, "grave");
  }
  await draw();
}

function codes(list) {
  swap(byId("codes-list"), list.map((code) => el("li", {}, code)));
  show(byId("codes"), true);
  byId("codes").scrollIntoView({ block: "nearest" });
}

form("password-form", async () => {
  await call("POST", "/v1/account/password", { current: byId("current").value, password: byId("new").value });
  toast("Your password is changed.");
  await draw();
});

form("totp-form", async (what) => {
  const password = byId("totp-password").value;
  show(byId("codes"), false);
  if (what === "off") {
    await call("POST", "/v1/account/totp/off", { password });
    toast("The second step is off.");
    return draw();
  }
  if (what === "codes") return codes((await call("POST", "/v1/account/recovery", { password })).codes);
  const made = await call("POST", "/v1/account/totp", { password });
  const { size, path } = made.drawing;
  swap(byId("qr"), svg("svg", { viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": "QR code for your authenticator app" }, svg("path", { d: path })));
  text(byId("totp-secret"), made.secret.match(/.{1,4}/g).join(" "));
  show(byId("totp-new"), true);
  byId("confirm-code").focus();
});

form("confirm-form", async () => {
  const made = await call("POST", "/v1/account/totp/confirm", { code: byId("confirm-code").value });
  show(byId("totp-new"), false);
  toast("The second step is on.");
  codes(made.codes);
  await draw();
});

if (!available) show(byId("passkey-form"), false);
form("passkey-form", async () => {
  const { ticket, options } = await call("POST", "/v1/account/passkeys/options", { password: byId("passkey-password").value });
  const credential = await make(options).catch(() => {
    throw new Error("No passkey was made.");
  });
  await call("POST", "/v1/account/passkeys", { ticket, credential, name: byId("passkey-name").value });
  toast("The passkey is added.");
  await draw();
});

byId("end-others").addEventListener("click", () => take("/v1/account/sessions"));
shell.begin();
draw();
