// The sheets: language, country and appearance; a copy to keep; deleting; a way to be reached.

import { call } from "./calls.js";
import * as session from "./session.js";
import { author } from "./render.js";
import { clock, setLanguage, t } from "./words.js";

const $ = (id) => document.getElementById(id);

export function openSheet(id) {
  for (const other of document.querySelectorAll("dialog[open]")) other.close();
  $(id).showModal();
}

const outside = ({ clientX: x, clientY: y }, dialog) => {
  const box = dialog.getBoundingClientRect();
  return x < box.left || x > box.right || y < box.top || y > box.bottom;
};

/** Puts a file that was made here into the visitor's downloads. */
export function save(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

export function asText(messages, practice) {
  const head = `${t("transcript.title", { practice })}\n${t("transcript.saved", { time: clock(Date.now()) })}\n\n`;
  return head + messages.map((m) => `${author(m)} (${clock(m.created_at)})\n${m.text}\n`).join("\n");
}

export function asPage(messages, practice) {
  const page = document.implementation.createHTMLDocument(t("transcript.title", { practice }));
  page.documentElement.lang = document.documentElement.lang;
  page.documentElement.dir = document.documentElement.dir;
  const meta = page.createElement("meta");
  meta.setAttribute("charset", "utf-8");
  page.head.prepend(meta);
  const add = (name, words) => {
    const element = page.createElement(name);
    element.textContent = words;
    element.dir = "auto";
    page.body.append(element);
  };
  add("h1", t("transcript.title", { practice }));
  add("p", t("transcript.saved", { time: clock(Date.now()) }));
  for (const m of messages) {
    add("h2", `${author(m)} (${clock(m.created_at)})`);
    for (const part of m.text.split(/\n+/)) add("p", part);
  }
  return `<!doctype html>\n${page.documentElement.outerHTML}`;
}

export async function chooseLanguage(code, refresh) {
  const option = [...$("language").options].find((o) => o.value === code);
  if (!option) return;
  await setLanguage(code, option.dataset.url);
  $("language").value = code;
  session.set("language", code);
  refresh();
}

export function chooseTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  $("theme").value = theme;
  session.set("theme", theme || null);
}

/** Wires the sheets. `talk` gives {id(), messages(), practice, refresh(), country(code), erased(), begin(), took(answer)}. */
export function wire(talk) {
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.addEventListener("click", (event) => {
      if (event.target.closest("[data-close]") || (event.target === dialog && outside(event, dialog))) dialog.close();
    });
  }
  $("open-menu").addEventListener("click", () => { $("erase-sure").hidden = $("receipt").hidden = true; openSheet("menu"); });
  $("language").addEventListener("change", (e) => chooseLanguage(e.target.value, talk.refresh).catch(() => { e.target.value = document.documentElement.lang; }));
  $("country").addEventListener("change", (e) => talk.country(e.target.value));
  $("theme").addEventListener("change", (e) => chooseTheme(e.target.value));
  $("save-text").addEventListener("click", () => save("conversation.txt", "text/plain;charset=utf-8", asText(talk.messages(), talk.practice)));
  $("save-page").addEventListener("click", () => save("conversation.html", "text/html;charset=utf-8", asPage(talk.messages(), talk.practice)));
  $("erase").addEventListener("click", () => { $("erase-sure").hidden = false; $("erase-no").focus(); });
  $("erase-no").addEventListener("click", () => { $("erase-sure").hidden = true; $("erase").focus(); });
  $("erase-yes").addEventListener("click", () => erase(talk));
  $("contact-form").addEventListener("submit", (event) => { event.preventDefault(); leaveContact(talk); });
}

async function erase(talk) {
  const box = $("receipt");
  $("erase-sure").hidden = true;
  box.hidden = false;
  const id = talk.id();
  if (!id) {
    box.textContent = t("erase.nothing");
    talk.erased();
    return;
  }
  try {
    const { receipt = {} } = await call("DELETE", `/${encodeURIComponent(id)}`);
    const values = { time: clock(receipt.erased_at ?? Date.now()), count: receipt.messages ?? 0, id: receipt.conversation ?? id };
    box.textContent = t(receipt.complete === false ? "erase.partly" : "erase.done", values);
    talk.erased();
  } catch (problem) {
    if (problem.status === 401 || problem.status === 404) {
      box.textContent = t("erase.nothing");
      talk.erased();
    } else box.textContent = t("erase.failed");
  }
}

async function leaveContact(talk) {
  const contact = $("contact-way").value.trim();
  const note = $("contact-note").value.trim();
  if (!contact && !note) return;
  try {
    talk.took(await call("POST", `/${encodeURIComponent(await talk.begin())}/handoff`, { contact, note }));
    $("contact-said").textContent = t("contact.done");
    $("contact-way").value = $("contact-note").value = "";
    setTimeout(() => $("contact").close(), 1500);
  } catch {
    $("contact-said").textContent = t("contact.failed");
  }
}
