"""handrail shadow, marks, referrals: for those who answer for the filter."""

from __future__ import annotations

import json
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.commands import terminal
from bot.commands.people import order

shadow = typer.Typer(help="A new rule pack that runs silently.", no_args_is_help=True)
marks = typer.Typer(help="Clinicians' marks on flags.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="As JSON.")]


@shadow.command("try")
def shadow_try(
    folder: Annotated[Path, typer.Argument(help="a folder with <language>/rules/*.toml, laid over the rules in force")],
    cases: Annotated[
        list[Path] | None, typer.Option(help="a file of [[group]]s with texts; without one, JSON lines on stdin")
    ] = None,
    language: Annotated[str, typer.Option(help="The texts' language, where they do not show it.")] = "",
    json_out: Json = False,
) -> None:
    """What a new pack would change on texts that you have: every one whose urgency or reason would differ."""
    with terminal.told():
        from bot import settings, words
        from bot.model import SafetyMemory
        from bot.safety import Filter

        chosen = settings.read(rules_only=True)
        said = words.load(chosen.corpus, chosen.practice, chosen.extra_corpus)
        filter = Filter(said, rules_only=True, shadow=folder)
        number = 0
        changed: list[dict[str, Any]] = []
        for id, text, group in _texts(cases or []):
            number += 1
            screening = filter.screen(text, SafetyMemory(), language=language)
            now, then = screening.verdict, screening.shadow
            if then is None:
                continue
            rules = sorted({f.rule for f in then.fired} ^ {f.rule for f in now.fired})
            changed.append(
                {
                    "id": id,
                    "from": [int(now.urgency), now.reason.value],
                    "to": [int(then.urgency), then.reason.value],
                    "rules": rules,
                    "fits": _fits(group, then.urgency),
                    "text": text,
                }
            )
        if json_out:
            print(json.dumps({"texts": number, "changed": changed}, ensure_ascii=False))
            return
        columns = ("", "now", "with it", "rules", "text")
        terminal.table(
            columns,
            [(c["fits"], _level(c["from"]), _level(c["to"]), ", ".join(c["rules"]), c["text"]) for c in changed],
        )
        up = sum(c["to"][0] > c["from"][0] for c in changed)
        down = sum(c["to"][0] < c["from"][0] for c in changed)
        print(f"{number} texts: {up} would be raised, {down} lowered, {len(changed) - up - down} named otherwise")


def _texts(files: list[Path]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(id, text, the group that it stands in)."""
    if not files:
        for id, texts in terminal.lines_in():
            yield str(id), texts[-1], {}
        return
    for file in files:
        try:
            groups = tomllib.loads(file.read_text(encoding="utf-8")).get("group", [])
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            terminal.fail(f"{file}: {error}", terminal.USE)
        for group in groups:
            for n, text in enumerate(group.get("texts", ()), 1):
                yield f"{group.get('class', file.stem)} {n}", str(text), group


def _fits(group: Mapping[str, Any], urgency: int) -> str:
    """Whether the new urgency is what the case asks for; "" where it asks for nothing."""
    if "at_least" not in group and "at_most" not in group:
        return ""
    right = int(group.get("at_least", 0)) <= urgency <= int(group.get("at_most", 4))
    return "right" if right else "wrong"


def _level(found: list[Any]) -> str:
    return f"{found[0]} {found[1]}"


@shadow.command("report")
def shadow_report(json_out: Json = False) -> None:
    """What the pack in HANDRAIL_SHADOW_RULES would have said otherwise in real conversations. Ids alone, no words."""
    with terminal.told():
        rows = order("shadow.report")["messages"]
        if json_out:
            print(json.dumps({"messages": rows}, ensure_ascii=False))
            return
        by_rule: Counter[str] = Counter()
        for row in rows:
            by_rule.update(f"+{rule}" for rule in row["rules"])
            by_rule.update(f"-{rule}" for rule in row["without"])
        terminal.table(
            ("at", "conversation", "message", "now", "with it", "rules"),
            [
                (
                    row["at"],
                    row["conversation"],
                    row["seq"],
                    f"{row['urgency']} {row['reason']}",
                    f"{row['would']['urgency']} {row['would']['reason']}",
                    ", ".join([*(f"+{r}" for r in row["rules"]), *(f"-{r}" for r in row["without"])]),
                )
                for row in rows[:50]
            ],
        )
        up = sum(row["would"]["urgency"] > row["urgency"] for row in rows)
        down = sum(row["would"]["urgency"] < row["urgency"] for row in rows)
        print(f"{len(rows)} messages: {up} would be raised, {down} lowered")
        if by_rule:
            terminal.table(("rule", "messages"), by_rule.most_common(20))


@shadow.command("clear")
def shadow_clear() -> None:
    """Forgets the report, before a new pack is tried."""
    with terminal.told():
        print(f"{order('shadow.clear')['cleared']} rows forgotten")


@marks.command("list")
def marks_list(json_out: Json = False) -> None:
    """Every mark: right, wrong or missed, on which rule, by whom."""
    with terminal.told():
        rows = order("marks")["marks"]
        if json_out:
            print(json.dumps({"marks": rows}, ensure_ascii=False))
            return
        cells = [
            (m["at"], m["mark"], m["rule"], m["conversation"], m["seq"], m["by"], m.get("words", "")) for m in rows
        ]
        terminal.table(("at", "mark", "rule", "conversation", "message", "by", "in the clinician's words"), cells)


@marks.command("export")
def marks_export(
    file: Annotated[Path | None, typer.Argument(help="where to write; on stdout when left out")] = None,
) -> None:
    """The marks that a clinician has put into words of their own, as test cases. Never a visitor's words."""
    with terminal.told():
        from bot.safety import cases

        rows = order("marks")["marks"]
        found = cases.cases(rows)
        without = sum(m["mark"] != "right" and not m.get("words") for m in rows)
        if file is None:
            sys.stdout.write(cases.as_toml(found))
        else:
            file.write_text(cases.as_toml(found), encoding="utf-8")
        note = f"; {without} marks have no words yet: a clinician can add them in the console" if without else ""
        print(f"{len(found)} test cases{note}", file=sys.stderr)


def referrals(
    year: Annotated[int | None, typer.Option(min=2000, max=2999, help="the last whole year when left out")] = None,
    json_out: Json = False,
) -> None:
    """How often a crisis line was shown in a year, for the yearly report. No personal data is counted or kept."""
    with terminal.told():
        found = order("referrals", year=year)
        if json_out:
            print(json.dumps(found, ensure_ascii=False))
            return
        print(f"{found['total']} crisis referrals in {found['year']}")
        for part in ("by_month", "by_urgency", "by_reason", "by_country"):
            terminal.table((part.removeprefix("by_"), "referrals"), list(found[part].items()))
