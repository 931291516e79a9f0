"""One turn and its parts: screen, embed, search, answer, commit; median and p99, and what the joining adds.

python tests/bench/turn.py [TURNS]
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot import parts, settings
from bot.desk import Desk
from bot.model import Author, Conversation, Draft, Kind, Memory, Owner, SafetyMemory
from bot.stores import open_store
from bot.turn import Job, Thinker
from retrieval.questions import read_questions


def ms(samples: list[float]) -> tuple[float, float]:
    """(median, p99) in milliseconds."""
    ordered = sorted(samples)
    return statistics.median(ordered) * 1000, ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1000


def timed(samples: list[float], call: Callable[[], object]) -> object:
    began = time.perf_counter()
    result = call()
    samples.append(time.perf_counter() - began)
    return result


async def measure(turns: int, data: Path) -> None:
    chosen = settings.read(data=data, log_level="error")
    parts.logs(chosen)
    said = parts.read_words(chosen)
    embedder = parts.open_embedder(chosen)
    search = parts.open_search(chosen, embedder)
    store = open_store(chosen, parts.now_utc)
    await store.start()
    joined = parts.join(chosen, said, store, search, embedder)
    thinker = Thinker(joined)
    desk = Desk(thinker)
    asked = [q.text for q in read_questions(chosen.corpus / "en" / "questions.toml")]
    asked = [f"{asked[n % len(asked)]} ({n})" for n in range(turns)]  # none is answered from the embedder's memory
    samples: dict[str, list[float]] = {name: [] for name in ("screen", "embed", "search", "answer", "commit", "turn")}

    async def open_talk(n: int) -> str:
        talk = Conversation(f"bench-{n}", "en", "US", "bench", Owner.BOT, 0, 0, parts.now_utc())
        first = Draft(Author.BOT, Kind.DISCLOSURE, "hello")
        expires = talk.created_at + timedelta(days=1)
        await store.open(talk, str(n).encode() * 4, expires, [first], Memory())
        return talk.id

    for n, text in enumerate(asked[: turns // 2]):
        id = await open_talk(n)
        visit = await store.visit(id)
        assert visit is not None
        timed(samples["screen"], lambda: joined.filter.screen(text, SafetyMemory(), language="en", country="US"))
        vector = timed(samples["embed"], lambda: embedder.encode([text + " "]))[0]
        timed(samples["search"], lambda: search.find(text, vector=vector))
        timed(
            samples["answer"],
            lambda: joined.answers.reply(text, visit.memory.talk, language="en", now=parts.now_utc(), vector=vector),
        )
        turn = thinker.work(Job("message", visit, text, parts.now_utc()))
        began = time.perf_counter()
        await store.record(replace(turn, text=text))
        samples["commit"].append(time.perf_counter() - began)
    for n, text in enumerate(asked[turns // 2 :], turns):
        id = await open_talk(n)
        began = time.perf_counter()
        await desk.take(id, text)
        samples["turn"].append(time.perf_counter() - began)
    await store.close()

    print(f"{'part':<10}{'median ms':>12}{'p99 ms':>10}{'count':>8}{'share':>8}")
    whole = ms(samples["turn"])[0]
    for name in ("screen", "embed", "search", "answer", "commit"):
        median, p99 = ms(samples[name])
        print(f"{name:<10}{median:>12.2f}{p99:>10.2f}{len(samples[name]):>8}{median / whole:>8.0%}")
    bare = sum(ms(samples[name])[0] for name in ("screen", "embed", "search", "commit"))
    median, p99 = ms(samples["turn"])
    print(f"{'turn':<10}{median:>12.2f}{p99:>10.2f}{len(samples['turn']):>8}")
    print(f"a turn is {median / bare:.2f} times the bare screen, embed, search and commit")


def main() -> None:
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(turns, Path(folder)))


if __name__ == "__main__":
    main()
