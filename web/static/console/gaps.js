// What visitors asked and no article answers, alike questions in one row.

import { call } from "./api.js";
import { byId, el, swap, text } from "./dom.js";
import * as shell from "./shell.js";
import { day } from "./words.js";

shell.begin();
try {
  const { gaps } = await call("GET", "/v1/console/gaps");
  text(byId("state"), gaps.length ? `${gaps.length} different questions.` : "Nothing yet: every question so far found an answer.");
  swap(
    byId("gaps"),
    gaps.map((gap) =>
      el(
        "li",
        { class: "gap" },
        el("span", { class: "gap-times", title: "times asked" }, String(gap.times)),
        el("span", { dir: "auto" }, gap.question),
        el("time", { class: "soft small", datetime: gap.last }, `last ${day(gap.last)}`),
        gap.others.length ? el("p", { class: "gap-others", dir: "auto" }, gap.others.join(" · ")) : null,
      ),
    ),
  );
} catch (problem) {
  text(byId("state"), problem.message);
}
