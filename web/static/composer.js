// Where the visitor writes: grows with the words, counts near the limit, keeps the draft, and never cuts anything off.

import { say } from "./list.js";
import * as session from "./session.js";
import { t } from "./words.js";

const $ = (id) => document.getElementById(id);
let limit = 4000;
let changed = () => {};

const long = () => [...$("text").value].length - limit;

export function size() {
  const box = $("text");
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
  const over = long();
  $("count").hidden = over < -200;
  $("count").classList.toggle("over", over > 0);
  if (over >= -200) $("count").textContent = over > 0 ? t("composer.count", { count: over }) : t("composer.left", { count: -over });
  box.setAttribute("aria-invalid", String(over > 0));
}

export function put(text, focus = false) {
  $("text").value = text;
  session.set("draft", text || null);
  size();
  if (focus) $("text").focus();
}

/** write(text) takes what was sent off; typing() hears of each change that leaves words in the box. */
export function wire({ limit: most, write, typing }) {
  limit = most;
  changed = typing;
  const box = $("text");
  const submit = (event) => {
    event.preventDefault();
    const text = box.value;
    if (long() > 0) say($("count").textContent);
    else if (text.trim()) {
      put("");
      write(text);
    }
    box.focus();
  };
  $("composer").addEventListener("submit", submit);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
  });
  box.addEventListener("input", () => {
    put(box.value);
    if (box.value) changed();
  });
  put(box.value || session.get("draft", ""));
}

/** A phone's keyboard takes its room from the conversation, not from the composer. */
export function fitKeyboard() {
  const view = window.visualViewport;
  view?.addEventListener("resize", () => {
    const less = view.scale === 1 && innerHeight - view.height > 80;
    document.body.style.height = less ? `${view.height}px` : "";
  });
}
