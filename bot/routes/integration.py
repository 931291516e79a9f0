"""For other systems: answers without a conversation, the queue's calls, the events feed, webhooks."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response

from bot import handoff as steps
from bot import ladder, referrals
from bot.model import Author, Draft, Handoff, HandoffState, Holder, Kind, Move, Notice, NotThere, Webhook
from bot.notifiers.addresses import check_url
from bot.notifiers.webhook import new_secret
from bot.rehearse import rehearse
from bot.routes import access, guard, shapes, shedding
from bot.routes.access import Staff
from bot.routes.problems import Problem
from bot.routes.state import Here, here

router = APIRouter(prefix="/v1", tags=["integration"])

EVENTS = frozenset(
    {
        "conversation.started",
        "message.created",
        "safety.flagged",
        "handoff.opened",
        "handoff.claimed",
        "handoff.released",
        "handoff.escalated",
        "handoff.closed",
        "booking.requested",
        "conversation.erased",
    }
)


async def _at_work(request: Request) -> Staff:
    """Staff with the scope `handoffs`. A key's calls are its signs of life: they renew the leases of what it has claimed."""
    who = await access.staff("handoffs")(request)
    app = here(request)
    if who.user is None and app.sign_of_life(who.holder.id):
        await app.store.renew(who.holder.id, app.clock() + timedelta(seconds=app.settings.lease_seconds))
    return who


Handoffs = Annotated[Staff, Depends(_at_work)]
Bookings = Annotated[Staff, Depends(access.staff("handoffs", "bookings"))]
Answers = Annotated[Staff, Depends(access.staff("answers"))]
Webhooks = Annotated[Staff, Depends(access.staff("webhooks", "admin"))]


@router.post("/answers", openapi_extra=shapes.takes(shapes.Question))
async def answer(request: Request, who: Answers) -> JSONResponse:
    """One question, answered as the chat would. The filter runs; nobody is queued: a flag is the caller's to act on."""
    app, asked = here(request), await shapes.body(shapes.Question)(request)
    shape = await alone(app, [asked.text], asked.language, asked.country)
    return JSONResponse(shape)


async def alone(app: Here, texts: list[str], language: str | None, country: str | None) -> dict[str, Any]:
    """An answer without a conversation; `handoff: "caller"` where a person is needed."""
    practice = app.words.practice
    speaks = (language or practice.languages[0]).split("-")[0].lower()
    lives = (country if country is not None else practice.country).upper()
    async with shedding.a_turn(app, "\n".join(texts)):
        said = await asyncio.to_thread(
            lambda: rehearse(app.desk.thinker, texts, language=speaks, country=lives, now=app.clock(), queued=False)
        )
    shape = said.shape()
    if shape["route"] == "human":
        shape["handoff"] = "caller"
        app.metrics.callers.labels(str(shape["urgency"])).inc()
    shown = referrals.referral(said.turn.verdict, said.turn.replies, lives, now := app.clock())
    if shown is not None:
        await app.store.keep(referrals.KIND, f"{shown['day']} {secrets.token_hex(12)}", shown, referrals.midnight(now))
    return shape


@router.get("/handoffs")
async def queue(
    request: Request,
    who: Bookings,
    state: Annotated[str, Query(pattern="^(waiting|claimed|closed|all)$")] = "waiting",
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> JSONResponse:
    """The queue: highest urgency first, then longest wait, each with its card."""
    app = here(request)
    found = await app.store.queue(None if state == "all" else HandoffState(state), limit)
    if not who.reads_transcripts:  # the front desk sees bookings without a risk flag in full, others not at all
        found = tuple(h for h in found if h.booking)
    return JSONResponse({"handoffs": [shapes.handoff(h, transcript=who.reads_transcripts) for h in found]})


@router.post("/handoffs/next", response_model=None)
async def take_next(request: Request, who: Handoffs) -> Response:
    """Claims the first in line; 204 when there is none."""
    app = here(request)
    claimed = await app.store.claim_next(lambda h: _claim(app, h, who.holder))
    if claimed is None:
        return Response(status_code=204)
    await audit(app, who, "handoff.claim", claimed.id)
    return JSONResponse(shapes.handoff(claimed))


def _claim(app: Here, h: Handoff, by: Holder) -> Move:
    return steps.claim(h, by, app.clock(), _lease(app), app.words)


def _lease(app: Here) -> timedelta:
    return timedelta(seconds=app.settings.lease_seconds)


async def audit(app: Here, who: Staff, action: str, subject: str, **detail: Any) -> None:
    await app.store.audit(who.holder.id, action, subject, app.clock(), detail or None)


async def _handoff(app: Here, id: str) -> Handoff:
    found = await app.store.handoff(id)
    if found is None:
        raise NotThere(id)
    return found


@router.get("/handoffs/{id}")
async def one(request: Request, id: str, who: Handoffs) -> JSONResponse:
    """One handoff with its conversation. Reading it is in the audit log."""
    app = here(request)
    found = await _handoff(app, id)
    await audit(app, who, "transcript.read", found.conversation, handoff=id)
    visit = await app.store.visit(found.conversation)
    messages = await app.store.messages(found.conversation)
    notes, earlier = await app.store.notes(id), await app.store.earlier(found.conversation)
    return JSONResponse(
        shapes.handoff(found)
        | {
            "messages": [shapes.message(m) for m in messages],
            "notes": [shapes.note(n) for n in notes],
            "earlier": [shapes.handoff(h) for h in earlier if h.id != id],
            "state_of_conversation": visit and shapes.conversation(visit.conversation, visit.handoff),
            "typing": app.typing_now(found.conversation, "visitor"),
        }
    )


async def move(request: Request, id: str, make: Callable[[Here, Handoff], Move]) -> JSONResponse:
    app = here(request)
    found = await _handoff(app, id)
    return JSONResponse(shapes.handoff(await app.store.move(make(app, found))))


@router.post("/handoffs/{id}/claim")
async def claim(request: Request, id: str, who: Handoffs) -> JSONResponse:
    """Exactly one caller gets 200; the others 409 with the holder's name."""
    return await move(request, id, lambda app, h: _claim(app, h, who.holder))


@router.post("/handoffs/{id}/acknowledge")
async def acknowledge(request: Request, id: str, who: Handoffs) -> JSONResponse:
    """Seen, not yet taken: repeats stop, the visitor may be told that a clinician has seen it."""
    return await move(request, id, lambda app, h: steps.acknowledge(h, who.holder, app.clock(), app.words))


@router.post("/handoffs/{id}/messages", status_code=201, openapi_extra=shapes.takes(shapes.StaffText))
async def say(request: Request, id: str, who: Handoffs) -> JSONResponse:
    """A clinician's message to the visitor; only the holder may."""
    app, sent = here(request), await shapes.body(shapes.StaffText)(request)
    await guard.rate(request, "staff", app.settings.messages_per_minute, who.holder.id)
    draft = Draft(Author.CLINICIAN, Kind.MESSAGE, sent.text)
    message, again = await app.store.say(id, who.holder, draft, app.clock(), sent.client_id, sent.version)
    return JSONResponse({"message": shapes.message(message)}, 200 if again else 201)


@router.post("/handoffs/{id}/notes", status_code=201, openapi_extra=shapes.takes(shapes.StaffNote))
async def write_note(request: Request, id: str, who: Handoffs) -> JSONResponse:
    """A private note: kept in a table of its own, never shown to the visitor."""
    app, sent = here(request), await shapes.body(shapes.StaffNote)(request)
    return JSONResponse({"note": shapes.note(await app.store.note(id, who.holder, sent.text, app.clock()))}, 201)


@router.post("/handoffs/{id}/release", openapi_extra=shapes.takes(shapes.Release, optional=True))
async def release(request: Request, id: str, who: Handoffs) -> JSONResponse:
    """Back to the queue, with the same urgency and the older clock."""
    sent = await shapes.body(shapes.Release)(request)
    return await move(
        request,
        id,
        lambda app, h: steps.release(
            h, who.holder, app.clock(), sent.note, app.words, notices=_told_again(app, h), version=sent.version
        ),
    )


def _told_again(app: Here, h: Handoff) -> tuple[Notice, ...]:
    """Back in the queue, the ladder begins at its foot."""
    return ladder.again(h, app.words.practice, app.parts.notify, app.clock(), app.parts.hours)


@router.post("/handoffs/{id}/transfer", openapi_extra=shapes.takes(shapes.Transfer))
async def transfer(request: Request, id: str, who: Handoffs) -> JSONResponse:
    """To another person (`user:<id>`) or key (`key:<id>`), with a note."""
    app, sent = here(request), await shapes.body(shapes.Transfer)(request)
    to, on_duty = await _holder(app, sent.to)

    def made(app: Here, h: Handoff) -> Move:
        now, by = app.clock(), who.holder
        return steps.transfer(h, by, to, now, _lease(app), sent.note, app.words, on_duty=on_duty, version=sent.version)

    return await move(request, id, made)


async def _holder(app: Here, to: str) -> tuple[Holder, bool]:
    """Who is meant by `to` (an id, an e-mail address, a key's name), and whether they are on duty; 422 when nobody is."""
    for user in await app.store.users():
        if to in {user.id, f"user:{user.id}", user.email} and user.disabled_at is None:
            scopes = access.ROLE_SCOPES.get(user.role, frozenset())
            if "handoffs" not in scopes:
                raise Problem(422, f"{user.name} may not take handoffs (role {user.role}).")
            return Holder(f"user:{user.id}", user.name, user.role, scopes), user.on_duty
    for key in await app.store.keys():
        if to in {key.id, f"key:{key.id}", key.name} and key.revoked_at is None and "handoffs" in key.scopes:
            return Holder(f"key:{key.id}", key.name, "key", key.scopes), True
    raise Problem(422, "There is nobody of that id who can take it: send a user's or key's id.")


@router.post("/handoffs/{id}/urgency", openapi_extra=shapes.takes(shapes.SetUrgency))
async def set_urgency(request: Request, id: str, who: Handoffs) -> JSONResponse:
    """Raises or lowers the urgency, with the reason. Only this lowers a risk flag."""
    sent = await shapes.body(shapes.SetUrgency)(request)
    return await move(
        request,
        id,
        lambda app, h: steps.set_urgency(h, who.holder, app.clock(), sent.urgency, sent.note, version=sent.version),
    )


@router.post("/handoffs/{id}/close", openapi_extra=shapes.takes(shapes.Close))
async def close(request: Request, id: str, who: Handoffs) -> JSONResponse:
    """Ends it, with an outcome; `returned_to_bot` is refused while a risk flag is open."""
    sent = await shapes.body(shapes.Close)(request)

    def made(app: Here, h: Handoff) -> Move:
        return steps.close(h, who.holder, app.clock(), sent.outcome, sent.note, app.words, version=sent.version)

    return await move(request, id, made)


@router.get("/events")
async def events(
    request: Request,
    who: Handoffs,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
) -> JSONResponse:
    """Everything that happened after an id, in order: ids and states only."""
    found = await here(request).store.events(after, limit)
    return JSONResponse({"events": [shapes.event(e) for e in found], "last": found[-1].id if found else after})


# ── webhooks ────────────────────────────────────────────────────────────────────────────────────────────────


@router.post("/webhooks", status_code=201, openapi_extra=shapes.takes(shapes.NewWebhook))
async def add_webhook(request: Request, who: Webhooks) -> JSONResponse:
    """Registers an address; the answer shows its signing secret, once."""
    app, sent = here(request), await shapes.body(shapes.NewWebhook)(request)
    unknown = sorted(set(sent.events) - EVENTS)
    if unknown:
        raise Problem(422, f"There is no event {unknown[0]!r}; there are: {', '.join(sorted(EVENTS))}.")
    fault = check_url(sent.url, allow_private=app.settings.webhook_allow_private)
    if fault:
        raise Problem(422, fault)
    hook = Webhook("wh_" + secrets.token_hex(8), sent.url, tuple(sent.events), new_secret(), app.clock(), who.holder.id)
    await app.store.add_webhook(hook)
    await audit(app, who, "webhook.add", hook.id)
    return JSONResponse(shapes.webhook(hook, secret=True), 201)


@router.get("/webhooks")
async def list_webhooks(request: Request, who: Webhooks) -> JSONResponse:
    """The caller's webhooks (an admin sees all)."""
    owner = None if "admin" in who.scopes else who.holder.id
    found = await here(request).store.webhooks(owner)
    return JSONResponse({"webhooks": [shapes.webhook(w) for w in found]})


async def _mine(app: Here, id: str, who: Staff) -> Webhook:
    found = await app.store.webhook(id)
    if found is None or not (found.owner == who.holder.id or "admin" in who.scopes):
        raise NotThere(id)
    return found


@router.get("/webhooks/{id}")
async def one_webhook(
    request: Request,
    id: str,
    who: Webhooks,
    state: Annotated[str | None, Query(pattern="^(due|sending|sent|dead|cancelled)$")] = None,
) -> JSONResponse:
    """One webhook with its last deliveries, of one state (`dead`: the dead letters) or of all."""
    app = here(request)
    found = await _mine(app, id, who)
    sent = await app.store.deliveries(f"webhook:{id}", state, limit=200)
    rows = [
        {
            "id": d.id,
            "event": d.event.id if d.event else None,
            "type": d.kind,
            "state": d.state,
            "attempt": d.attempt,
            "due_at": shapes.when(d.due_at),
            "last_error": d.last_error,
        }
        for d in sent
    ]
    return JSONResponse(shapes.webhook(found) | {"deliveries": rows})


@router.delete("/webhooks/{id}", status_code=204)
async def remove_webhook(request: Request, id: str, who: Webhooks) -> Response:
    app = here(request)
    found = await _mine(app, id, who)
    await app.store.remove_webhook(found.id)
    await audit(app, who, "webhook.remove", found.id)
    return Response(status_code=204)


@router.post("/webhooks/{id}/rotate", status_code=200)
async def rotate_webhook(request: Request, id: str, who: Webhooks) -> JSONResponse:
    """A new secret; deliveries are signed with both until the next rotation."""
    app = here(request)
    found = await _mine(app, id, who)
    changed = await app.store.change_webhook(found.id, secret=new_secret(), previous_secret=found.secret)
    assert changed is not None
    await audit(app, who, "webhook.rotate", found.id)
    return JSONResponse(shapes.webhook(changed, secret=True))


@router.post("/webhooks/{id}/replay", status_code=202, openapi_extra=shapes.takes(shapes.Replay, optional=True))
async def replay(request: Request, id: str, who: Webhooks) -> JSONResponse:
    """Sends again: all dead deliveries, or those from event `first` to `last`. A webhook that was gone is tried anew."""
    app, sent = here(request), await shapes.body(shapes.Replay)(request)
    found = await _mine(app, id, who)
    if found.disabled_at:
        await app.store.change_webhook(found.id, disabled_at=None)
    again = await app.store.replay(f"webhook:{found.id}", sent.first, sent.last, app.clock())
    await audit(app, who, "webhook.replay", found.id, deliveries=again)
    return JSONResponse({"replayed": again}, 202)
