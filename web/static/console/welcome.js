// The one-time link: the secret is read from the fragment, which no server sees, and taken out of the address at once.

import { call } from "./api.js";
import { byId, ready, show, text } from "./dom.js";

const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

const [password, again] = [byId("password"), byId("again")];

function wrong(words) {
  text(byId("wrong"), words);
  show(byId("wrong"), Boolean(words));
}

if (!token) wrong("This page needs the whole link that you were given. Open that link again.");

password.addEventListener("input", () => {
  const left = 12 - Array.from(password.value).length;
  text(byId("strength"), !password.value || left <= 0 ? "" : `${left} more ${left === 1 ? "character" : "characters"}`);
});
byId("show").addEventListener("change", ({ target }) => {
  password.type = again.type = target.checked ? "text" : "password";
});
byId("welcome-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (password.value !== again.value) {
    wrong("The two are not the same.");
    return again.focus();
  }
  wrong("");
  try {
    await call("POST", "/v1/signin/welcome", { token, password: password.value });
    location.replace("/console");
  } catch (problem) {
    wrong(problem.message);
    password.focus();
  }
});
ready();
