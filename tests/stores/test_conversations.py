"""The visitor's side of the store's contract, on every plug."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from kit import START, answer, claim, conversation, digest, flag, kinds, open_one, turn, write

from bot.model import (
    Action,
    Author,
    BookingDraft,
    Citation,
    Draft,
    Gap,
    Kind,
    Memory,
    NotThere,
    Owner,
    Reused,
    SafetyMemory,
    Stale,
    TalkMemory,
    Verdict,
)

ODD = "naïve 🫂 \x00 \u2028 \ud83d ' \" \\ %s %(a)s :b ?"


def test_opening_gives_the_first_message_and_a_token(run):
    async def test(store):
        (first,) = await open_one(store)
        assert (first.seq, first.author, first.kind) == (1, Author.BOT, Kind.DISCLOSURE)
        assert await store.visit_of(digest("token of c1"), START) == await store.visit("c1")
        assert await store.visit_of(digest("another"), START) is None
        assert await store.visit_of(digest("token of c1"), START + timedelta(days=30)) is None
        visit = await store.visit("c1")
        assert visit.conversation == conversation("c1")
        assert visit.last_seq == 1 and visit.memory == Memory() and visit.handoff is None
        assert await store.visit("c2") is None
        assert kinds(await store.events()) == ["conversation.started", "message.created"]

    run(test)


def test_a_turn_is_recorded_whole(run):
    async def test(store):
        await open_one(store)
        reply = Draft(
            Author.BOT,
            Kind.ANSWER,
            ODD,
            (Citation(1, "a", "A", "H", "quote", "/a"), Citation(2, "b", "B", "", "other", "/b")),
            (Action("call", "Call 988", "tel:988"),),
        )
        memory = Memory(
            SafetyMemory(1, signs=("tired",), minor=True, turns=3, notes={"x": [1, {"y": None}]}),
            TalkMemory(questions=("q1", ODD), quoted=("s",)),
            BookingDraft("asking", slots=("2026-03-04T10:00:00+01:00",), notes={"k": True}),
        )
        done = await write(store, "c1", ODD, replies=(reply,), memory=memory, language="es", country="MX")
        assert (done.message.seq, done.message.text, done.message.author) == (2, ODD, Author.VISITOR)
        assert done.replies[0].seq == 3 and done.replies[0].citations == reply.citations
        said = await store.messages("c1")
        assert [m.seq for m in said] == [1, 2, 3]
        assert said[1] == done.message and said[2] == done.replies[0]
        assert said[2].text == ODD and said[2].actions == reply.actions
        assert await store.messages("c1", after=2) == said[2:]
        assert await store.messages("c1", after=0, limit=2) == said[:2]
        visit = await store.visit("c1")
        assert visit.memory == memory
        assert (visit.conversation.language, visit.conversation.country) == ("es", "MX")

    run(test)


def test_a_turn_without_text_leaves_no_visitor_message(run):
    async def test(store):
        await open_one(store)
        done = await write(store, "c1", None, replies=(answer("A person is told."),))
        assert done.message is None and done.replies[0].seq == 2

    run(test)


def test_a_stale_turn_is_refused_and_leaves_nothing(run):
    async def test(store):
        await open_one(store)
        old = await turn(store, "c1", "first")
        await write(store, "c1", "second")
        with pytest.raises(Stale):
            await store.record(old)
        assert [m.text for m in await store.messages("c1", 1)] == ["second", "It does."]

    run(test)


def test_every_write_makes_an_older_turn_stale(run):
    async def test(store):
        await open_one(store)
        system = Draft(Author.SYSTEM, Kind.NOTICE, "No one has joined yet.")
        for change in (
            lambda: store.add("c1", (system,), START),
            lambda: store.choose("c1", "es", None),
            lambda: store.end("c1", START),
        ):
            old = await turn(store, "c1", "text")
            await change()
            with pytest.raises(Stale):
                await store.record(old)

    run(test)


def test_a_bot_does_not_speak_under_an_old_epoch(run):
    async def test(store):
        await open_one(store)
        lines = Draft(Author.SYSTEM, Kind.CRISIS, "988")
        late = replace(await turn(store, "c1", "hello"), owner_epoch=7, system=(lines,))
        done = await store.record(late)
        assert [m.author for m in done.replies] == [Author.SYSTEM]
        assert [m.author for m in await store.messages("c1", 1)] == [Author.VISITOR, Author.SYSTEM]

    run(test)


def test_a_turn_begun_before_the_claim_does_not_speak_after_it(run):
    async def test(store):
        await open_one(store)
        handoff = await flag(store)
        begun = await turn(store, "c1", "are you there?")
        await store.move(claim(handoff))
        with pytest.raises(Stale):
            await store.record(begun)
        visit = await store.visit("c1")
        done = await store.record(replace(begun, version=visit.version))  # the fence alone, without the version
        assert done.replies == ()
        assert [m.author for m in await store.messages("c1", 3)] == [Author.SYSTEM, Author.VISITOR]

    run(test)


def test_the_owner_changes_the_epoch_once(run):
    async def test(store):
        await open_one(store)
        first = await write(store, "c1", "a", owner=Owner.QUEUE)
        second = await write(store, "c1", "b", owner=Owner.QUEUE)
        assert (first.conversation.owner, first.conversation.owner_epoch) == (Owner.QUEUE, 1)
        assert second.conversation.owner_epoch == 1

    run(test)


def test_urgency_only_rises_by_turns(run):
    async def test(store):
        await open_one(store)
        await write(store, "c1", "a", verdict=Verdict(urgency=3, level=3))
        done = await write(store, "c1", "b", verdict=Verdict(urgency=1, level=1))
        assert done.conversation.urgency == 3

    run(test)


def test_a_client_id_is_answered_once(run):
    async def test(store):
        await open_one(store)
        assert await store.answered("c1", "k", "hello") is None
        done = await write(store, "c1", "hello", client_id="k")
        assert done.message.client_id == "k"
        again = await store.answered("c1", "k", "hello")
        assert (again.message, again.replies) == (done.message, done.replies)
        twice = await write(store, "c1", "hello", client_id="k")
        assert (twice.message, twice.replies) == (done.message, done.replies)
        assert len(await store.messages("c1")) == 3
        with pytest.raises(Reused):
            await store.answered("c1", "k", "other")
        with pytest.raises(Reused):
            await write(store, "c1", "other", client_id="k")
        assert len(await store.messages("c1")) == 3

    run(test)


def test_client_ids_are_a_conversations_own_and_may_hold_anything(run):
    async def test(store):
        await open_one(store, "c1")
        await open_one(store, "c2")
        one = await write(store, "c1", "hello", client_id=ODD)
        other = await write(store, "c2", "not hello", client_id=ODD)
        assert one.message.client_id == other.message.client_id == ODD
        assert (await store.answered("c2", ODD, "not hello")).message == other.message

    run(test)


def test_the_same_client_id_at_once_is_one_message(run):
    async def test(store):
        await open_one(store)
        turns = [await turn(store, "c1", "hello", client_id="k") for _ in range(8)]
        done = await asyncio.gather(*(store.record(t) for t in turns))
        assert len({d.message for d in done}) == 1
        assert [m.seq for m in await store.messages("c1")] == [1, 2, 3]

    run(test)


def test_writers_at_once_leave_no_gap(run):
    async def test(store):
        await open_one(store)

        async def writer(name):
            for number in range(6):
                while True:
                    try:
                        await write(store, "c1", f"{name}{number}")
                        break
                    except Stale:
                        continue

        await asyncio.gather(*(writer(name) for name in "abcde"))
        said = await store.messages("c1")
        assert [m.seq for m in said] == list(range(1, 62))
        for name in "abcde":
            assert [m.text for m in said if m.text.startswith(name)] == [f"{name}{n}" for n in range(6)]

    run(test)


def test_system_messages_outside_a_turn(run):
    async def test(store):
        await open_one(store)
        note = Draft(Author.SYSTEM, Kind.NOTICE, "This is automated.")
        (said,) = await store.add("c1", (note,), START)
        assert said.seq == 2
        assert len(await store.add("c1", (note,), START, unless_since=2)) == 1
        await write(store, "c1", "hello")
        assert await store.add("c1", (note,), START, unless_since=2) == ()
        with pytest.raises(NotThere):
            await store.add("c9", (note,), START)

    run(test)


def test_choosing_and_ending(run):
    async def test(store):
        await open_one(store)
        assert (await store.choose("c1", "es", "MX")).language == "es"
        kept = await store.choose("c1", None, None)
        assert (kept.language, kept.country) == ("es", "MX")
        assert (await store.choose("c1", None, "")).country == ""
        assert (await store.end("c1", START)).ended_at == START
        done = await write(store, "c1", "one more thing")  # nothing said is lost: writing again opens it again
        assert done.conversation.ended_at is None

    run(test)


def test_an_unknown_conversation_takes_nothing(run):
    async def test(store):
        await open_one(store)
        lost = replace(await turn(store, "c1", "x"), conversation="c9")
        with pytest.raises(NotThere):
            await store.record(lost)
        assert await store.messages("c9") == ()
        assert await store.answered("c9", "k", "x") is None

    run(test)


def test_questions_without_an_article_are_counted(run):
    async def test(store):
        for id in ("c1", "c2", "c3"):
            await open_one(store, id)
        for minute, (id, question) in enumerate([("c1", "emdr online?"), ("c2", "emdr online?"), ("c3", "parking?")]):
            await write(store, id, "…", START + timedelta(minutes=minute), gap=Gap(question, "en", "a", 0.2))
        assert await store.gaps() == (
            ("emdr online?", 2, START + timedelta(minutes=1)),
            ("parking?", 1, START + timedelta(minutes=2)),
        )
        await store.erase("c3", START, "visitor")
        assert [question for question, _, _ in await store.gaps()] == ["emdr online?"]

    run(test)


def test_events_hold_no_text(run):
    async def test(store):
        await open_one(store)
        await flag(store)
        for event in await store.events():
            assert "die" not in str(event) and "988" not in str(event)

    run(test)
