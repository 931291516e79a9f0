"""`handrail evaluate`: finding, composing, abstaining and the filter's own examples, as figures with their counts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bot import parts, settings
from bot.commands import terminal
from bot.rehearse import rehearse
from bot.safety.proof import prove
from bot.turn import Thinker
from retrieval import plots
from retrieval.evaluate import Composed, Evaluation, Row, evaluate, wilson
from retrieval.questions import read_questions


def run(html: Path | None, questions: Path | None, split: str = "held") -> Evaluation:
    """Prints the table, writes the page, and ends with 1 when a quote does not stand in its article or a rule fails."""
    chosen = settings.read(log_level="error")
    parts.logs(chosen)
    said = parts.read_words(chosen)
    with terminal.Progress() as progress:
        embedder = parts.open_embedder(chosen, progress)
        search = parts.open_search(chosen, embedder, progress)
        thinker = Thinker(parts.join(chosen, said, None, search, embedder))
        language, country = said.practice.languages[0], said.practice.country

        def compose(turns: Sequence[str]) -> Composed:
            done = rehearse(thinker, turns, language=language, country=country, now=parts.now_utc())
            cited = [c for c in done.citations if c.article != "practice"]
            kind = done.kind.value
            of_practice = kind in ("answer", "no_answer") and done.turn.memory.talk.notes.get("practice")
            return "practice" if of_practice and not cited else kind, cited

        asked = read_questions(questions or chosen.corpus / "en" / "questions.toml")
        found = evaluate(search, asked, split=split, compose=compose, progress=progress)
    rows = [*found.rows, _examples(thinker)]
    whole = Evaluation(found.split, found.version, tuple(rows), found.misses, found.scored, found.threshold)
    print(plots.table(rows))
    for miss in whole.misses:
        print(f"  {miss.figure}: {miss.asked!r} came {miss.came[:80]!r}, right {miss.right[:80]!r}")
    if html is not None:
        html.write_text(plots.html(whole), encoding="utf-8")
        print(f"page with plots: {html}")
    broken = [row.name for row in rows if not row.holds]
    if broken:
        terminal.fail("below the floor: " + ", ".join(broken))
    return whole


def _examples(thinker: Thinker) -> Row:
    """Rules whose own examples all hold; anything under 100% fails."""
    faults = {finding.where for finding in prove(thinker.parts.filter) if finding.level == "fault"}
    count = sum(len(pack.rules) for pack in thinker.parts.filter.packs.values())
    good = count - min(count, len(faults))
    return Row("rules whose examples hold", good, count, good / count, *wilson(good, count), 1.0)
