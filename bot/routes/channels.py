"""Other front ends' webhooks in: a conversation there is a conversation here, and a turn is a turn."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from bot import handoff as steps
from bot.channels import chatwoot
from bot.model import (
    Author,
    Conversation,
    Draft,
    HandoffState,
    Held,
    Holder,
    Kind,
    Memory,
    NotThere,
    Owner,
    RiskOpen,
    SafetyMemory,
    StoreFault,
    Visit,
)
from bot.routes import access
from bot.routes.problems import Problem
from bot.routes.state import Here, here

router = APIRouter(prefix="/v1/channels", tags=["channels"])

THERE = timedelta(days=3650)  # a claim made over there is not renewed from here: it ends when they say so
EXAMPLE = {
    "event": "message_created",
    "id": 512,
    "content": "What is exposure therapy?",
    "message_type": "incoming",
    "private": False,
    "account": {"id": 1},
    "conversation": {"id": 7, "status": "pending", "meta": {"assignee": None}},
}
BODY = {"application/json": {"schema": {"type": "object"}, "example": EXAMPLE}}
TAKES = {"requestBody": {"required": True, "content": BODY}}


@router.post("/chatwoot/{token}", openapi_extra=TAKES)
async def from_chatwoot(request: Request, token: str) -> JSONResponse:
    """Chatwoot's webhook. The address holds the token of the setting; the replies go out through Chatwoot's API."""
    app = here(request)
    if not app.settings.chatwoot or not chatwoot.trusted(known := chatwoot.account(app.settings.chatwoot), token):
        raise Problem(404, "There is nothing here: no Chatwoot inbox is set up, or the address is not its own.")
    try:
        call = chatwoot.read(json.loads(await request.body()))
    except (ValueError, RecursionError) as error:
        raise Problem(422, f"body: {error}") from None
    if call is None:
        return JSONResponse({"taken": False})
    if call.account != known.account:
        raise Problem(422, f"account.id: {call.account} is another account than the one set up")
    return JSONResponse({"taken": await _take(app, call)})


async def _take(app: Here, call: chatwoot.Call) -> bool:
    if call.event != "message_created":
        return await _status(app, call)
    if call.author == "agent":
        await _joined(app, call)
        return True
    if call.author != "visitor":
        return False
    await _opened(app, call)
    if call.agent:
        await _joined(app, call)
    for client_id, text in call.pieces:
        take = app.desk.overhear if call.with_person else app.desk.take
        await take(call.conversation, text, client_id)
    if call.attached and not call.with_person:  # a picture or a recording: nobody has screened it, so a person looks
        visit = await app.store.visit(call.conversation)
        if visit is not None and visit.handoff is None:
            await app.desk.ask_for_person(call.conversation, "", "")
    return bool(call.pieces or call.attached)


async def _opened(app: Here, call: chatwoot.Call) -> Visit:
    """The conversation, opened at the first message; that this is an automated assistant is said before anything."""
    found = await app.store.visit(call.conversation)
    if found is not None:
        return found
    practice, now = app.words.practice, app.clock()
    language, country = practice.languages[0], (call.country or practice.country).upper()
    talk = Conversation(call.conversation, language, country, chatwoot.CHANNEL, Owner.BOT, 0, 0, now)
    text, said = app.words.say("disclosure", language)
    first = [] if call.with_person else [Draft(Author.BOT, Kind.DISCLOSURE, text)]
    memory = Memory(safety=SafetyMemory(said=(said,)))
    token = access.digest(
        secrets.token_urlsafe(32)
    )  # of nobody: this conversation is reached through its channel alone
    try:
        await app.store.open(talk, token, now, first, memory)
    except StoreFault:
        found = await app.store.visit(call.conversation)  # opened by another call at the same moment, or erased
        if found is None:
            raise
        return found
    opened = await app.store.visit(call.conversation)
    if opened is None:
        raise NotThere(call.conversation)
    return opened


async def _status(app: Here, call: chatwoot.Call) -> bool:
    """Resolved over there: closed here. Given back to the bot: closed too, unless a risk flag is open."""
    visit = await app.store.visit(call.conversation)
    if visit is None or visit.handoff is None:
        return False
    if call.status == "open" and call.agent:
        await _joined(app, call)
        return True
    outcome = {"resolved": "resolved", "pending": "returned_to_bot"}.get(call.status)
    if outcome is None or (outcome == "returned_to_bot" and visit.handoff.state is HandoffState.WAITING):
        return False
    await _joined(app, call)
    handoff = await app.store.handoff(visit.handoff.id)
    if handoff is None:
        return False
    try:
        move = steps.close(handoff, _holder(call), app.clock(), outcome, f"{call.status} in Chatwoot", app.words, say=())
        await app.store.move(move)
    except (Held, RiskOpen):
        return False  # a colleague has it here, or a risk flag is open: it stays with people
    return True


def _holder(call: chatwoot.Call) -> Holder:
    return Holder("key:chatwoot", call.agent or "Chatwoot", "key", frozenset({"handoffs"}))


async def _joined(app: Here, call: chatwoot.Call) -> bool:
    """Somebody over there has it: the claim here ends the paging, and fences the bot's replies."""
    visit = await app.store.visit(call.conversation)
    if visit is None or visit.handoff is None or visit.handoff.state is not HandoffState.WAITING:
        return False
    claim = steps.claim(visit.handoff, _holder(call), app.clock(), THERE, app.words)
    try:
        await app.store.move(replace(claim, say=()))  # Chatwoot itself shows who has joined
    except Held:
        return False
    return True
