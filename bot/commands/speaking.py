"""handrail ask and handrail screen: the chat and the filter on the command line, without a store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.commands import terminal


def ask(
    question: Annotated[str, typer.Argument(help="One question; leave it out with --jsonl.")] = "",
    articles: Annotated[Path | None, typer.Option(help="A folder of .md, .txt, .html, .pdf or .docx files.")] = None,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Read JSON lines from stdin, write one a line.")] = False,
    language: Annotated[str, typer.Option(help="The visitor's language.")] = "",
    country: Annotated[str, typer.Option(help="The visitor's country.")] = "",
) -> None:
    """One question, answered as the chat would. Opens no store."""
    if bool(question.strip()) == jsonl:
        terminal.fail('give one question in quotes, or --jsonl with lines on stdin: handrail ask "What is CBT?"', 2)
    with terminal.told():
        from bot import parts, settings
        from bot.rehearse import rehearse
        from bot.turn import Thinker

        lines = terminal.lines_in() if jsonl else None
        chosen = settings.read(articles=articles, log_level="error")
        parts.logs(chosen)
        said = parts.read_words(chosen)
        with terminal.Progress() as progress:
            embedder = parts.open_embedder(chosen, progress)
            search = parts.open_search(chosen, embedder, progress)
        thinker = Thinker(parts.join(chosen, said, None, search, embedder))
        speaks = language or said.practice.languages[0]
        lives = (country or said.practice.country).upper()

        def answered(texts: list[str]) -> dict[str, Any]:
            done = rehearse(thinker, texts, language=speaks, country=lives, now=parts.now_utc())
            return done.shape() | {"score": round(done.turn.score, 4)}

        if lines is not None:
            for id, texts in lines:
                terminal.line_out({"id": id} | answered(texts))
            return
        _print_answer(answered([question]))


def _print_answer(shape: dict[str, Any]) -> None:
    print(shape["text"])  # names its sources itself
    if shape["urgency"] or shape["route"] == "human":
        print(f"\nroute {shape['route']}, urgency {shape['urgency']}, reason {shape['reason']}", file=sys.stderr)


def screen(
    text: Annotated[str, typer.Argument(help="The text to screen; leave it out with --jsonl.")] = "",
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Read JSON lines from stdin, write one a line.")] = False,
    language: Annotated[str, typer.Option(help="The visitor's language; found from the text when left out.")] = "",
    country: Annotated[str, typer.Option(help="The visitor's country.")] = "",
    rules_only: Annotated[bool, typer.Option("--rules-only", help="Without the second stage.")] = False,
) -> None:
    """The safety filter alone: what fired, where, and why."""
    if bool(text) == jsonl:
        terminal.fail('give one text in quotes, or --jsonl with lines on stdin: handrail screen "…"', 2)
    with terminal.told():
        from bot import settings, words
        from bot.safety import Filter

        lines = terminal.lines_in() if jsonl else None
        chosen = settings.read(rules_only=rules_only or None)
        said = words.load(chosen.corpus, chosen.practice, chosen.extra_corpus)
        embed = None
        if not chosen.rules_only:
            from retrieval.embed import Embedder
            from retrieval.kept import kept

            with terminal.Progress() as progress:
                cache = settings.model_cache(chosen)
                embed = kept(Embedder.open(cache, model=chosen.model, progress=progress), cache)
        filter = Filter(said, embed=embed, rules_only=chosen.rules_only)
        lives = (country or said.practice.country).upper()
        if lines is not None:
            for id, texts in lines:
                terminal.line_out({"id": id} | _screened(filter, texts, language, lives))
            return
        _print_verdict(text, filter, language, lives)


def _screened(filter: Any, texts: list[str], language: str, country: str) -> dict[str, Any]:
    from bot.model import SafetyMemory

    memory, levels, verdict = SafetyMemory(), [], None
    for text in texts:
        screening = filter.screen(text, memory, language=language, country=country)
        memory, verdict = screening.memory, screening.verdict
        levels.append(max(verdict.level, verdict.urgency))
    assert verdict is not None
    return {
        "route": "human" if levels[-1] >= 2 else verdict.route.value,
        "urgency": levels[-1],
        "reason": (verdict.level_reason if verdict.level > verdict.urgency else verdict.reason).value,
        "rules": [{"id": f.rule, "span": list(f.span)} for f in verdict.fired],
        "per_turn": levels,
    }


def _print_verdict(text: str, filter: Any, language: str, country: str) -> None:
    from bot.model import SafetyMemory

    verdict = filter.screen(text, SafetyMemory(), language=language, country=country).verdict
    print(
        f"urgency {verdict.urgency}  reason {verdict.reason.value}  route {verdict.route.value}  stage {verdict.stage}"
    )
    for fired in verdict.fired:
        a, b = fired.span
        print(f"  {fired.rule}  [{a}:{b}] “{text[a:b]}”  {fired.why}")
