// The way in: password, second step, passkey. Whoever is signed in already goes straight through.

import { Problem, call } from "./api.js";
import { byId, ready, show, text } from "./dom.js";
import { answer, available } from "./passkey.js";

let ticket = "";

function wrong(words) {
  text(byId("wrong"), words);
  show(byId("wrong"), Boolean(words));
}

const inside = () => location.replace(`/console${/^#[\w-]+$/.test(location.hash) ? location.hash : ""}`);

function step(name) {
  show(byId("password-form"), name === "password");
  show(byId("code-form"), name === "code");
  byId(name === "code" ? "code" : "email").focus();
}

async function go(send) {
  wrong("");
  try {
    const { next, ticket: given } = await send();
    if (next === "code") {
      ticket = given;
      byId("code").value = "";
      step("code");
    } else inside();
  } catch (problem) {
    if (!(problem instanceof Problem)) return;
    if (problem.data.ticket) ticket = problem.data.ticket;
    if (problem.data.again) step("password");
    wrong(problem.message);
  }
}

byId("password-form").addEventListener("submit", (event) => {
  event.preventDefault();
  go(() => call("POST", "/v1/signin/password", { email: byId("email").value, password: byId("password").value }));
});
byId("code-form").addEventListener("submit", (event) => {
  event.preventDefault();
  go(() => call("POST", "/v1/signin/code", { ticket, code: byId("code").value }));
});
byId("code-back").addEventListener("click", () => step("password"));

const passkey = byId("passkey");
if (passkey && !available) show(passkey, false);
passkey?.addEventListener("click", () =>
  go(async () => {
    const { ticket: asked, options } = await call("POST", "/v1/signin/passkey/options", {});
    let credential;
    try {
      credential = await answer(options);
    } catch {
      throw new Problem(400, "The passkey was not used.");
    }
    return call("POST", "/v1/signin/passkey", { ticket: asked, credential });
  }),
);

// A strict cookie does not come along from another site's link: ask once, from here, whether somebody is signed in.
call("GET", "/v1/signin").then(
  ({ signed_in: already }) => already && inside(),
  () => {},
);
ready();
