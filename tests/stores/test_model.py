"""Any history of calls, on the store and on a few lines that say what must come of it. On both plugs."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings, strategies
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from kit import (
    ANA,
    BEN,
    START,
    answer,
    claim,
    close,
    digest,
    flag,
    lapse,
    lower,
    message,
    open_one,
    release,
    turn,
    write,
)

from bot.model import (
    Author,
    Draft,
    HandoffState,
    Held,
    Kind,
    NotThere,
    Outcome,
    Owner,
    Reused,
    RiskOpen,
    Stale,
    Turn,
    Verdict,
)
from bot.stores.statements.conversations import visit as on_disk

FULL = os.environ.get("HANDRAIL_TORTURE") == "full"
_number = itertools.count()
TEXTS = strategies.sampled_from(["hello", "", "naïve 🫂", "x" * 4000, "\x00", "%s ' \" ;--"])
PEOPLE = strategies.sampled_from([ANA, BEN])


@dataclass
class Talk:
    """What a conversation must look like."""

    said: list[tuple[Author, str]] = field(default_factory=list)
    ids: dict[str, tuple[str, int]] = field(default_factory=dict)  # client id: text, seq
    owner: Owner = Owner.BOT
    epoch: int = 0
    urgency: int = 0
    open: str = ""  # the open handoff
    holder: str = ""
    risk: int = 0  # of the open handoff
    claims: int = 0  # its version
    lease: Any = None
    erased: bool = False
    gone: bool = False
    events: Counter[str] = field(default_factory=Counter)

    def say(self, author: Author, text: str) -> None:
        self.said.append((author, text))
        self.events["message.created"] += 1

    def own(self, owner: Owner) -> None:
        self.epoch += owner is not self.owner
        self.owner = owner

    def shut(self) -> None:
        self.open = self.holder = ""
        if self.erased:
            self.gone = True
            self.events["conversation.erased"] += 1


class Machine(RuleBasedStateMachine):
    """`store` and `loop` are set by the test, once for all examples; each example has conversations of its own."""

    store: Any
    loop: asyncio.AbstractEventLoop
    talks = Bundle("talks")
    turns = Bundle("turns")

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[str, Talk] = {}
        self.at = START

    def do(self, work):
        return self.loop.run_until_complete(work)

    def refused(self, why, work):
        with pytest.raises(why):
            self.do(work)

    @rule(target=talks)
    @precondition(lambda self: len(self.model) < 2)  # few, so that much happens to each
    def opens(self):
        id = f"talk{next(_number)}"
        (first,) = self.do(open_one(self.store, id))
        self.model[id] = Talk(
            [(Author.BOT, first.text)], events=Counter({"conversation.started": 1, "message.created": 1})
        )
        return id

    @rule(seconds=strategies.integers(-600, 200))
    def time_passes(self, seconds):
        self.at += timedelta(seconds=seconds)

    @rule(id=talks, text=TEXTS)
    def writes(self, id, text):
        talk = self.model[id]
        if talk.gone:
            assert self.do(self.store.visit(id)) is None
        elif talk.erased:
            self.refused(NotThere, write(self.store, id, text, self.at))
        else:
            done = self.do(write(self.store, id, text, self.at))
            talk.say(Author.VISITOR, text)
            talk.say(Author.BOT, "It does.")
            assert [m.seq for m in (done.message, *done.replies)] == [len(talk.said) - 1, len(talk.said)]

    @rule(target=turns, id=talks, text=TEXTS, client=strategies.sampled_from([None, "k1", "k2"]))
    @precondition(lambda self: self.model)
    def begins_a_turn(self, id, text, client):
        talk = self.model[id]
        if talk.erased:
            return None
        return self.do(turn(self.store, id, text, self.at, client_id=client, replies=(answer(), answer("More.")))), len(
            talk.said
        )

    @rule(begun=consumes(turns))
    def ends_a_turn(self, begun: tuple[Turn, int] | None):
        """Later, when the conversation may have moved on."""
        if begun is None:
            return
        this, _ = begun
        talk = self.model[this.conversation]
        version_now = None if talk.gone else self.do(self.store.visit(this.conversation)).version
        if talk.erased:
            self.refused(NotThere, self.store.record(this))
        elif this.client_id in talk.ids:
            text, seq = talk.ids[this.client_id]
            if text != this.text:
                self.refused(Reused, self.store.record(this))
            else:
                assert self.do(self.store.record(this)).message.seq == seq
        elif version_now != this.version:
            self.refused(Stale, self.store.record(this))
        else:
            assert talk.epoch == this.owner_epoch
            done = self.do(self.store.record(this))
            talk.say(Author.VISITOR, this.text)
            if this.client_id:
                talk.ids[this.client_id] = (this.text, len(talk.said))
            assert done.message.seq == len(talk.said)
            for draft in this.replies:
                talk.say(Author.BOT, draft.text)

    @rule(id=talks, text=TEXTS)
    def a_turn_is_overtaken(self, id, text):
        if self.model[id].erased:
            return
        overtaken = self.do(turn(self.store, id, text, self.at))
        self.the_system_says(id)
        self.refused(Stale, self.store.record(overtaken))

    @rule(id=talks, text=TEXTS)
    def a_turn_of_an_older_owner(self, id, text):
        """With the right version and an old epoch: the visitor's words stay, the bot's do not."""
        talk = self.model[id]
        if talk.erased:
            return
        this = replace(self.do(turn(self.store, id, text, self.at)), owner_epoch=talk.epoch - 1)
        assert self.do(self.store.record(this)).replies == ()
        talk.say(Author.VISITOR, text)

    @rule(id=talks, urgency=strategies.integers(0, 4))
    def is_flagged(self, id, urgency):
        talk = self.model[id]
        if talk.erased:
            return
        new_owner = Owner.QUEUE if talk.owner is Owner.BOT else None
        verdict = Verdict(urgency=urgency, level=urgency)
        done = self.do(flag(self.store, id, urgency, self.at, owner=new_owner, verdict=verdict, notices=()))
        talk.say(Author.VISITOR, "I want to die")
        talk.say(Author.BOT, "Call 988.")
        talk.events["safety.flagged"] += 1
        talk.urgency = max(talk.urgency, urgency)
        if new_owner:
            talk.own(new_owner)
        if not talk.open:
            talk.open, talk.risk, talk.claims, talk.holder = done.id, urgency, 0, ""
            talk.events["handoff.opened"] += 1
        elif urgency > talk.risk:
            talk.risk = urgency
            talk.events["handoff.escalated"] += 1
        assert (done.id, done.urgency, done.version) == (talk.open, talk.risk, talk.claims)

    @rule(id=talks, by=PEOPLE)
    def is_claimed(self, id, by):
        talk = self.model[id]
        if not talk.open:
            return
        step = claim(self.do(self.store.handoff(talk.open)), by, self.at)
        if talk.holder:
            self.refused(Held, self.store.move(step))
            return
        self.do(self.store.move(step))
        talk.holder, talk.lease = by.id, step.lease_until
        talk.claims += 1
        talk.own(Owner.CLINICIAN)
        talk.say(Author.SYSTEM, f"{by.name} has joined.")
        talk.events["handoff.claimed"] += 1

    @rule(id=talks, by=PEOPLE, late=strategies.booleans())
    def is_released(self, id, by, late):
        talk = self.model[id]
        if not talk.open:
            return
        step = release(self.do(self.store.handoff(talk.open)), by, self.at, version=talk.claims - late)
        if talk.holder != by.id or late:
            self.refused(Held, self.store.move(step))
            return
        self.do(self.store.move(step))
        self._back_to_the_queue(talk)

    @rule(id=talks)
    def lapses(self, id):
        talk = self.model[id]
        if not talk.open:
            return
        step = lapse(self.do(self.store.handoff(talk.open)), self.at)
        if not talk.holder or talk.lease > self.at:
            self.refused(Held, self.store.move(step))
            return
        self.do(self.store.move(step))
        self._back_to_the_queue(talk)

    def _back_to_the_queue(self, talk):
        talk.holder = ""
        talk.claims += 1
        talk.own(Owner.QUEUE)
        talk.events["handoff.released"] += 1

    @rule(id=talks, by=PEOPLE, urgency=strategies.integers(0, 4))
    def is_judged_anew(self, id, by, urgency):
        talk = self.model[id]
        if not talk.open:
            return
        step = lower(self.do(self.store.handoff(talk.open)), urgency, by, self.at)
        if talk.holder != by.id:
            self.refused(Held, self.store.move(step))
            return
        self.do(self.store.move(step))
        talk.risk = talk.urgency = urgency

    @rule(id=talks, by=PEOPLE, outcome=strategies.sampled_from(list(Outcome)))
    def is_closed(self, id, by, outcome):
        talk = self.model[id]
        if not talk.open:
            return
        step = close(self.do(self.store.handoff(talk.open)), by, self.at, outcome)
        if talk.holder != by.id:
            self.refused(Held, self.store.move(step))
        elif outcome is Outcome.RETURNED_TO_BOT and talk.urgency >= 2:
            self.refused(RiskOpen, self.store.move(step))
        else:
            self.do(self.store.move(step))
            if outcome is Outcome.RETURNED_TO_BOT:
                talk.own(Owner.BOT)
            talk.events["handoff.closed"] += 1
            talk.shut()

    @rule(id=talks, by=PEOPLE, text=TEXTS)
    def staff_say(self, id, by, text):
        talk = self.model[id]
        if not talk.open:
            return
        saying = self.store.say(talk.open, by, message(text), self.at)
        if talk.holder != by.id:
            self.refused(Held, saying)
            return
        self.do(saying)
        talk.say(Author.CLINICIAN, text)

    @rule(by=PEOPLE, more=strategies.integers(0, 600))
    def shows_a_sign_of_life(self, by, more):
        """A lease is only ever made longer."""
        until = self.at + timedelta(seconds=more)
        self.do(self.store.renew(by.id, until))
        for talk in self.model.values():
            if talk.open and talk.holder == by.id:
                talk.lease = max(talk.lease, until)

    @rule(id=talks)
    def the_system_says(self, id):
        talk = self.model[id]
        draft = Draft(Author.SYSTEM, Kind.NOTICE, "Still automated.")
        if talk.erased:
            self.refused(NotThere, self.store.add(id, (draft,), self.at))
            return
        self.do(self.store.add(id, (draft,), self.at))
        talk.say(Author.SYSTEM, draft.text)

    @rule(id=talks)
    def is_erased(self, id):
        talk = self.model[id]
        if talk.erased:
            self.refused(NotThere, self.store.erase(id, self.at, "visitor"))
            return
        receipt = self.do(self.store.erase(id, self.at, "visitor"))
        assert receipt.messages == len(talk.said) and receipt.complete == (not talk.open)
        talk.erased = True
        talk.events["conversation.erased"] += 1
        talk.gone = not talk.open

    @invariant()
    def is_as_the_model_says(self):
        for id, talk in self.model.items():
            said = self.do(self.store.messages(id, 0, 10_000))
            expected = [] if talk.gone else talk.said
            assert [(m.author, m.text) for m in said] == expected
            assert [m.seq for m in said] == list(range(1, len(expected) + 1))
            visit = self.do(self.store.visit(id))
            assert visit == self.do(self.store.read(partial(on_disk, id=id)))
            known = self.do(self.store.visit_of(digest(f"token of {id}"), START))
            assert known == (None if talk.erased else visit)
            if talk.gone:
                assert visit is None
                continue
            now = visit.conversation
            assert (now.owner, now.owner_epoch, now.urgency) == (talk.owner, talk.epoch, talk.urgency)
            assert visit.last_seq == len(talk.said) and (now.erased_at is not None) == talk.erased
            assert (visit.handoff.id if visit.handoff else "") == talk.open
            if visit.handoff:
                assert visit.handoff.holder == talk.holder and visit.handoff.urgency == talk.risk
                assert (visit.handoff.state is HandoffState.CLAIMED) == bool(talk.holder)

    def teardown(self):
        happened: dict[str, Counter[str]] = {id: Counter() for id in self.model}
        after = 0
        while page := self.do(self.store.events(after, 10_000)):
            after = page[-1].id
            for event in page:
                if event.conversation in happened:
                    happened[event.conversation][event.kind] += 1
        assert happened == {id: talk.events for id, talk in self.model.items()}
        assert self.do(self.store.audit_verify())[1] == ""


@pytest.mark.timeout(1800 if FULL else 300)
def test_any_history(make):
    store, loop = make(), asyncio.new_event_loop()
    loop.run_until_complete(store.start())
    machine = type("Machine", (Machine,), {"store": store, "loop": loop})
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=200 if FULL else 20,
                stateful_step_count=100 if FULL else 60,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                derandomize=not FULL,
            ),
        )
    finally:
        loop.run_until_complete(store.close())
        loop.close()
