"""What `handrail check` proves and `handrail doctor` reports: a finding a line, with what to do."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from bot import parts, settings
from bot.model import StoreFault
from bot.safety import Filter, RuleFault
from bot.safety.proof import lines as lines_age
from bot.safety.proof import prove
from bot.settings import Settings, SettingsFault
from bot.stores import open_store
from bot.words import Words, WordsFault
from retrieval.articles import read_articles
from retrieval.build import why_stale
from retrieval.model import ArticleRefused, ModelUnusable

SOON = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table. level: ok | note | warning | fault; only a fault makes `check` fail."""

    level: str
    about: str
    says: str


def findings() -> list[Line]:
    try:
        chosen = settings.read()
        said = parts.read_words(chosen)
    except SettingsFault as fault:
        return [Line("fault", "settings", str(fault))]
    except WordsFault as fault:
        return [Line("fault", "corpus", str(fault))]
    first = Line(
        "ok", "practice", f"{said.practice.name}, {said.practice.country}, {', '.join(said.practice.languages)}"
    )
    today = parts.now_utc().date()
    return [first, *_rules(said), *_lines(said, today), *_articles(chosen, today), *_house(chosen)]


def _rules(said: Words) -> Iterator[Line]:
    try:
        checked = Filter(said, rules_only=True)
    except RuleFault as fault:
        yield Line("fault", "rules", str(fault))
        return
    found = prove(checked)
    for f in found:
        yield Line(f.level, f"rules: {f.where}", f.what)
    if not any(f.level == "fault" for f in found):
        counts = ", ".join(f"{code} {len(pack.rules)}" for code, pack in sorted(checked.packs.items()))
        yield Line("ok", "rules", f"every example of every rule holds ({counts})")


def _lines(said: Words, today: date) -> Iterator[Line]:
    found = lines_age(said, today)
    for f in found:
        yield Line(f.level, f"crisis lines: {f.where}", f.what)
    if not found:
        countries = sorted(code for code in said.countries if code)
        yield Line(
            "ok", "crisis lines", f"{len(countries)} countries ({', '.join(countries)}), none older than 90 days"
        )


def _articles(chosen: Settings, today: date) -> Iterator[Line]:
    try:
        corpus = read_articles(parts.articles_folder(chosen))
    except ArticleRefused as fault:
        yield Line("fault", "articles", str(fault))
        return
    for report in corpus.refused:
        yield Line("fault", f"article {report.path}", report.refused)
    unreviewed = sum(1 for a in corpus.articles if not a.review.reviewer)
    yield Line("ok", "articles", f"{len(corpus.articles)} read")
    if unreviewed:
        yield Line("note", "articles", f"{unreviewed} not yet reviewed by a clinician; visitors are shown that")
    for article in corpus.articles:
        expires = article.review.expires
        if expires and expires < today:
            yield Line("warning", f"article {article.slug}", f"its review expired on {expires}: it no longer answers")
        elif expires and expires < today + SOON:
            yield Line("warning", f"article {article.slug}", f"its review expires on {expires}: have it reviewed")
    try:
        stale = why_stale(parts.index_folder(chosen), corpus, parts.open_embedder(chosen), kind=chosen.index)
    except ModelUnusable as fault:
        yield Line("fault", "model", str(fault))
        return
    if stale:
        yield Line("note", "index", f"{stale}: `handrail serve` or `handrail index` makes it anew")
    else:
        yield Line("ok", "index", "whole, and of these articles")


def _house(chosen: Settings) -> Iterator[Line]:
    folder = chosen.data if chosen.data.exists() else chosen.data.absolute().parent
    if not os.access(folder, os.W_OK):
        yield Line("fault", "data folder", f"{folder} cannot be written: choose another with HANDRAIL_DATA")
        return
    if (chosen.data / "control.sock").exists() and not chosen.database_url:
        yield Line("ok", "database", "a server has it open")
        return
    if not chosen.database_url and not (chosen.data / "handrail.sqlite").exists():
        yield Line("note", "database", "none yet: `handrail serve` makes it")
        return
    try:
        rows, fault = asyncio.run(_audited(chosen))
    except StoreFault as error:
        yield Line("fault", "database", str(error))
        return
    if fault:
        yield Line("fault", "audit log", fault)
    else:
        yield Line("ok", "database", f"opens; audit log whole ({rows} rows)")


async def _audited(chosen: Settings) -> tuple[int, str]:
    store = open_store(chosen, parts.now_utc)
    await store.start()
    try:
        return await store.audit_verify()
    finally:
        await store.close()


def surroundings(chosen: Settings) -> list[tuple[str, str]]:
    """What is set and where, for `handrail doctor`: no secret, no text."""
    key = "from the environment" if chosen.secret_key else "made in the data folder"
    database = chosen.database_url.partition(":")[0] if chosen.database_url else "sqlite in the data folder"
    offset = parts.now_utc().astimezone().utcoffset()
    return [
        ("data folder", str(chosen.data.absolute())),
        ("database", database),
        ("secret key", key),
        ("articles", str(parts.articles_folder(chosen))),
        ("public address", chosen.public_url or "not set: http://localhost:8000"),
        ("may embed the widget", ", ".join(chosen.origins) or "our own pages alone"),
        ("notices", chosen.notify or "the console alone"),
        ("mail", "set" if chosen.smtp_url else "not set"),
        ("trusted proxies", str(chosen.proxies)),
        ("second stage", "off" if chosen.rules_only else "on"),
        ("clock", f"UTC offset {offset}"),
    ]
