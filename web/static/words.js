// The frame's own words: those the page came with, or a locale file when the visitor changes the language.

let table = JSON.parse(document.getElementById("words").textContent);
let plural = null;

export const language = () => document.documentElement.lang || "en";

/** The words under a key, with {names} filled in; a plural entry is chosen by values.count. An unknown key is shown as itself. */
export function t(key, values = {}) {
  let entry = table[key] ?? key;
  if (typeof entry === "object") {
    plural ??= new Intl.PluralRules(language());
    entry = entry[plural.select(values.count)] ?? entry.other;
  }
  return entry.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Puts an element's words in place, and remembers which they are for the next change of language. */
export function label(element, key, values) {
  element.textContent = t(key, values);
  if (values) delete element.dataset.t;
  else element.dataset.t = key;
}

export async function setLanguage(code, url) {
  const answer = await fetch(url, { credentials: "omit" });
  if (!answer.ok) throw new Error(`no words for ${code}`);
  table = { ...table, ...(await answer.json()) };
  plural = null;
  document.documentElement.lang = code;
  document.documentElement.dir = table.dir === "rtl" ? "rtl" : "ltr";
  for (const e of document.querySelectorAll("[data-t]")) e.textContent = t(e.dataset.t);
  for (const e of document.querySelectorAll("[data-t-label]")) e.setAttribute("aria-label", t(e.dataset.tLabel));
  for (const e of document.querySelectorAll("[data-t-placeholder]")) e.placeholder = t(e.dataset.tPlaceholder);
}

/** A time of day, or with its day when it is not today. */
export function clock(when, now = new Date()) {
  const date = new Date(when);
  const near = date.toDateString() === now.toDateString();
  return date.toLocaleString(language(), near ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" });
}
