// Plots as SVG, drawn from numbers: bars in rows and bars by hour. Each has its numbers as a table beside it.

import { el, svg } from "./dom.js";

const nice = (most) => {
  const step = 10 ** Math.floor(Math.log10(Math.max(1, most)));
  return [1, 2, 5, 10].map((n) => n * step).find((n) => n >= most) ?? most;
};

/** Rows of stacked bars: [{label, parts: [{value, kind}], after}]. */
export function bars(title, rows) {
  const [left, width, height] = [150, 520, 34];
  const most = nice(Math.max(1, ...rows.map((row) => row.parts.reduce((sum, part) => sum + part.value, 0))));
  const room = width - left - 64;
  const drawn = rows.flatMap((row, n) => {
    const y = n * height + 6;
    let x = left;
    const parts = row.parts.map(({ value, kind }) => {
      const long = (value / most) * room;
      const rect = value > 0 ? svg("rect", { x, y, width: Math.max(1.5, long), height: 20, rx: 4, class: kind }) : null;
      x += long;
      return rect;
    });
    const whisker = row.whisker ? svg("line", { x1: x, x2: left + Math.min(1, row.whisker / most) * room, y1: y + 10, y2: y + 10, class: "whisker" }) : null;
    const end = Math.max(x, row.whisker ? left + Math.min(1, row.whisker / most) * room : 0);
    return [svg("text", { x: left - 10, y: y + 15, "text-anchor": "end" }, row.label), ...parts, whisker, svg("text", { x: end + 8, y: y + 15, class: "axis" }, row.after)];
  });
  return svg("svg", { viewBox: `0 0 ${width} ${rows.length * height + 6}`, class: "plot", role: "img", "aria-label": title }, drawn.filter(Boolean));
}

/** Pairs of bars over 24 hours: [{hour, a, b}]. */
export function hours(title, rows) {
  const [width, height, low] = [520, 200, 168];
  const most = nice(Math.max(1, ...rows.map((row) => Math.max(row.a, row.b))));
  const slot = (width - 34) / 24;
  const up = (value) => (value / most) * (low - 12);
  return svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, class: "plot", role: "img", "aria-label": title },
    [0, 0.5, 1].map((part) => [svg("line", { x1: 30, x2: width, y1: low - up(most * part), y2: low - up(most * part), class: "grid" }), svg("text", { x: 24, y: low - up(most * part) + 4, "text-anchor": "end", class: "axis" }, String(most * part))]).flat(),
    rows
      .map(({ hour, a, b }) => {
        const x = 34 + hour * slot;
        const wide = slot / 2 - 1;
        return [
          a ? svg("rect", { x, y: low - up(a), width: wide, height: up(a), rx: 2, class: "c" }) : null,
          b ? svg("rect", { x: x + wide, y: low - up(b), width: wide, height: up(b), rx: 2, class: "a" }) : null,
          hour % 3 ? null : svg("text", { x: x + slot / 2, y: low + 18, "text-anchor": "middle", class: "axis" }, String(hour)),
        ];
      })
      .flat(),
  );
}

/** The same numbers as a table, one press away. */
export function table(heads, rows) {
  return el(
    "details",
    { class: "numbers" },
    el("summary", {}, "As numbers"),
    el("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "The numbers, a table" }, el("table", {}, el("thead", {}, el("tr", {}, heads.map((head) => el("th", {}, head)))), el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell) => el("td", {}, String(cell)))))))),
  );
}

export const key = (...pairs) => el("p", { class: "key" }, pairs.map(([kind, label]) => el("span", {}, el("i", { class: kind, "aria-hidden": "true" }), label)));
