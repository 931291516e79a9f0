// What stands around the talk: the crisis lines (urgent while a risk flag is open), the state in the bar, the waiting card.

import { serverNow } from "./calls.js";
import { make } from "./render.js";
import { clock, label, t } from "./words.js";

const $ = (id) => document.getElementById(id);

/** Shows one country's lines; those of every country are in the page already. */
export function showCountry(code) {
  const blocks = [...document.querySelectorAll("#care [data-country]")];
  if (!blocks.some((block) => block.dataset.country === code)) return false;
  for (const block of blocks) block.hidden = block.dataset.country !== code;
  return true;
}

/** From urgency 2 the lines grow and stay; only a clinician lowers it. */
export function showUrgency(urgency) {
  $("care").classList.toggle("urgent", urgency >= 2);
}

function minutesTo(due) {
  return Math.max(1, Math.ceil((Date.parse(due) - serverNow()) / 60000));
}

/** An honest promise: minutes when near, a time when far, "we cannot say" when there is none, and lateness said plainly. */
export function promise(due) {
  if (!due) return { text: t("card.queue_unknown"), late: false };
  if (Date.parse(due) < serverNow()) return { text: t("card.queue_late"), late: true };
  const count = minutesTo(due);
  const time = clock(due, new Date(serverNow()));
  return { text: count <= 60 ? t("card.queue_minutes", { count, time }) : t("card.queue_later", { time }), late: false };
}

/** Draws bar and card from {conversation, link, name}; `ways` are the buttons the card may carry, by name. */
export function showState({ conversation, link, name }, ways) {
  const owner = conversation?.owner ?? "bot";
  document.body.dataset.owner = owner;
  document.body.dataset.link = link;
  const status = $("status");
  if (link === "lost") label(status, "status.offline");
  else if (owner === "clinician" && name) label(status, "status.clinician_named", { name });
  else label(status, `status.${owner}`);
  showUrgency(conversation?.urgency ?? 0);
  const card = $("card");
  const { title, text, late = false, offered = [] } = cardFor({ conversation, owner, link, name });
  card.hidden = !title;
  card.classList.toggle("late", late);
  card.classList.toggle("offline", link === "lost");
  if (!title) return;
  if ($("card-title").textContent !== title) $("card-title").textContent = title;
  if ($("card-text").textContent !== text) $("card-text").textContent = text;
  const row = $("card-ways");
  if (row.dataset.ways !== offered.join()) {
    row.dataset.ways = offered.join();
    row.replaceChildren(...offered.map((way) => {
      const button = make("button", { type: "button", class: "button", "data-t": `card.${way}`, ...(way === "leave" ? {} : { "aria-haspopup": "dialog" }) }, t(`card.${way}`));
      button.addEventListener("click", ways[way]);
      return button;
    }));
  }
}

function cardFor({ conversation, owner, link, name }) {
  if (link === "lost") return { title: t("card.offline_title"), text: t("card.offline_text") };
  const waits = conversation?.handoff && conversation.handoff.state === "waiting";
  if (owner === "queue" || waits) {
    const { text, late } = promise(conversation.handoff?.due_at);
    const offered = conversation.handoff?.reason === "minor" ? ["read"] : ["contact", "read"];
    if (waits && conversation.urgency < 2) offered.push("leave");
    return { title: t("card.queue_title"), text, late, offered };
  }
  if (owner === "clinician") {
    return { title: name ? t("card.human_title_named", { name }) : t("card.human_title"), text: t("card.human_text") };
  }
  return {};
}
