// The small windows over the conversation: urgency, transfer, release, end, canned replies, articles.

import { call, config } from "./api.js";
import { byId, dialog, el, show, shut, swap, text } from "./dom.js";

/** A window with a form. `send(form)` is awaited: the window closes once the server has taken it, else says why not. */
function form(name, send) {
  const box = dialog(name);
  const sheet = byId(`${name}-form`);
  const wrong = sheet.querySelector(".wrong");
  sheet.onsubmit = async (event) => {
    event.preventDefault();
    show(wrong, false);
    try {
      await send(sheet);
      shut(box);
      sheet.reset();
    } catch (problem) {
      text(wrong, problem.message);
      show(wrong, true);
    }
  };
  sheet.onkeydown = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      sheet.requestSubmit();
    }
  };
  show(wrong, false);
  box.showModal();
  return sheet;
}

const path = (state, what) => `/v1/handoffs/${state.handoff.id}/${what}`;
const version = (state) => state.handoff.version;

export function urgency(state, done) {
  const sheet = form("urgency", async () => {
    const body = { urgency: Number(sheet.elements.urgency.value), note: byId("urgency-note").value, version: version(state) };
    done(await call("POST", path(state, "urgency"), body));
  });
  const now = [...sheet.elements.urgency].find((radio) => Number(radio.value) === state.handoff.urgency);
  now.checked = true;
  now.focus();
}

export function transfer(state, people, me, done) {
  const others = people.filter((person) => person.id !== me);
  const list = byId("transfer-people");
  swap(
    list,
    el("legend", {}, "To whom? Only people on duty are listed."),
    others.length
      ? others.map((person, n) =>
          el(
            "label",
            { class: "option" },
            el("input", { type: "radio", name: "to", value: person.id, required: true, checked: n === 0, autofocus: n === 0 }),
            el("span", {}, el("strong", { dir: "auto" }, person.name), el("span", { class: "soft" }, person.here ? " connected" : " not connected now")),
          ),
        )
      : el("p", {}, "Nobody else is on duty. Release it: then whoever comes is told."),
  );
  byId("transfer-send").disabled = !others.length;
  const sheet = form("transfer", async () => {
    const body = { to: sheet.querySelector("[name=to]:checked").value, note: byId("transfer-note").value, version: version(state) };
    done(await call("POST", path(state, "transfer"), body));
  });
}

export function release(state, done) {
  const where = config.transcripts ? path(state, "release") : `/v1/console/bookings/${state.handoff.id}/release`;
  form("release", async () => done(await call("POST", where, { note: byId("release-note").value, version: version(state) })));
}

export function close(state, done) {
  const sheet = form("close", async () => {
    const body = { outcome: sheet.elements.outcome.value, note: byId("close-note").value, version: version(state) };
    done(await call("POST", path(state, "close"), body));
  });
}

/** A mark put into the clinician's own words: a test case for those who keep the rules. */
export function testCase(state, mark, done) {
  const missed = mark.mark === "missed";
  text(byId("case-about"), missed ? "A flag was missed here. What would have been right to notice?" : `The flag ${mark.rule} should not have fired.`);
  const where = `/v1/console/handoffs/${state.handoff.id}/marks`;
  const sheet = form("case", async () => {
    const body = { mark: mark.mark, seq: mark.seq, rule: mark.rule, words: byId("case-words").value, should_be: Number(sheet.elements.level.value) };
    done((await call("POST", where, body)).mark);
  });
  byId("case-words").value = mark.words ?? "";
  sheet.elements.level.value = String(mark.should_be ?? (missed ? 3 : 0));
  byId("case-words").focus();
}

// ── canned replies ──

let replies = [];

function draw(list, rows, empty) {
  swap(list, rows.length ? rows : el("li", { class: "none" }, empty));
}

export async function canned(state, insert) {
  const box = dialog("canned");
  const search = byId("canned-search");
  const list = byId("canned-list");
  search.value = "";
  swap(list, el("li", { class: "none" }, "Loading …"));
  delete list.dataset.enter;
  box.showModal();
  const shown = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = replies.filter((one) => words.every((word) => `${one.title} ${one.text}`.toLowerCase().includes(word)));
    draw(
      list,
      fits.map((one) =>
        el("li", {}, el("button", { type: "button", class: "choice", onclick: () => (shut(box), insert(one.text)) }, el("strong", {}, one.title), el("span", { dir: "auto" }, one.text))),
      ),
      "No reply like this.",
    );
  };
  search.oninput = shown;
  arrows(search, list);
  try {
    ({ replies } = await call("GET", `/v1/console/handoffs/${state.handoff.id}/canned`));
    shown();
    if (list.dataset.enter && box.open) list.querySelector("button")?.click(); // pressed before they were here
  } catch (problem) {
    draw(list, [], problem.message);
  }
}

/** From the search field into its list and through it with the arrow keys; Enter takes the first. */
function arrows(search, list) {
  const step = (event) => {
    const buttons = [...list.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    if (event.key === "ArrowDown") buttons[Math.min(buttons.length - 1, at + 1)]?.focus();
    else if (event.key === "ArrowUp") (at <= 0 ? search : buttons[at - 1]).focus();
    else if (event.key === "Enter" && event.target === search && list.id === "canned-list") buttons[0] ? buttons[0].click() : (list.dataset.enter = "yes");
    else return;
    event.preventDefault();
  };
  search.onkeydown = step;
  list.onkeydown = (event) => {
    if (event.key.startsWith("Arrow")) step(event);
  };
}

// ── articles ──

const cited = (one) => `“${one.quote}”\n${one.title}${one.heading ? `, ${one.heading}` : ""}: ${one.url}`;

export function articles(insert) {
  const box = dialog("articles");
  const search = byId("articles-search");
  const list = byId("articles-list");
  const state = byId("articles-state");
  byId("articles-form").onsubmit = async (event) => {
    event.preventDefault();
    if (search.value.trim().length < 2) return;
    text(state, "Searching …");
    try {
      const { articles: found } = await call("GET", `/v1/console/articles?q=${encodeURIComponent(search.value.trim())}`);
      text(state, found.length ? `${found.length} passages. Choose one to quote it with its source.` : "Nothing like this in the articles.");
      swap(
        list,
        found.map((one) =>
          el(
            "li",
            {},
            el(
              "button",
              { type: "button", class: "choice", onclick: () => (shut(box), insert(cited(one))) },
              el("strong", {}, one.title, one.heading ? ` · ${one.heading}` : ""),
              el("span", {}, one.before ? el("span", { class: "soft" }, `${one.before} `) : null, one.quote, one.after ? el("span", { class: "soft" }, ` ${one.after}`) : null),
            ),
          ),
        ),
      );
    } catch (problem) {
      text(state, problem.message);
    }
  };
  arrows(search, list);
  search.select();
  box.showModal();
}
