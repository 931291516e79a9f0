"""Consultation requests answered without the transcript: a slot given, others offered, or a referral."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from bot import booking_export, ladder
from bot import handoff as steps
from bot.booking import staff
from bot.model import Author, Handoff, HandoffState, NotThere
from bot.routes import access, shapes
from bot.routes.access import Staff
from bot.routes.console_work import known
from bot.routes.problems import Problem
from bot.routes.state import Here, here

router = APIRouter(include_in_schema=False)

Bookings = Annotated[Staff, Depends(access.staff("handoffs", "bookings"))]
RISK = steps.RISK
AHEAD = timedelta(days=400)
KIND = "appointment"


class Accept(shapes.Body):
    start: str = Field(min_length=16, max_length=40, examples=["2026-12-01T10:00"])
    minutes: int = Field(15, ge=5, le=240)


class Offer(shapes.Body):
    starts: list[str] = Field(min_length=1, max_length=5)
    minutes: int = Field(15, ge=5, le=240)


class Decline(shapes.Body):
    referral: str = Field(min_length=1, max_length=1000)


class Note(shapes.Body):
    note: str = Field(min_length=1, max_length=shapes.TEXT_LIMIT)


async def request_of(app: Here, id: str, who: Staff, *, write: bool = True) -> Handoff:
    """The handoff with the request; for the front desk none but requests, and nothing to do while a flag is open."""
    found = await known(app, id)
    if not found.booking:
        raise NotThere(id)
    if write and not who.reads_transcripts and found.urgency >= RISK:
        raise Problem(403, "A clinician has this conversation now. The request is kept until they are done.")
    return found


@router.get("/v1/console/bookings/{id}")
async def one(request: Request, id: str, who: Bookings) -> JSONResponse:
    """The request, what was offered, and which offer the visitor took."""
    app = here(request)
    found = await request_of(app, id, who, write=False)
    if not who.reads_transcripts and found.urgency >= RISK:
        return JSONResponse({"id": id, "state": found.state.value, "paused": True, "version": found.version})
    kept = (await app.store.kept(KIND)).get(id, {})
    chosen = await _chosen(app, found, kept)
    await app.store.audit(who.holder.id, "booking.read", id, app.clock())
    shape = shapes.handoff(found, transcript=who.reads_transcripts)
    notes = found.card.booking.notes if found.card.booking else {}
    shown = {k: v for k, v in kept.items() if k != "token"} | {"offered": notes.get("offered", []), "chosen": chosen}
    return JSONResponse(shape | {"appointment": shown})


async def _chosen(app: Here, h: Handoff, kept: dict[str, Any]) -> str:
    """The offered start that the visitor took: as the bot read it, or, while staff have the conversation, in its very words."""
    notes = h.card.booking.notes if h.card.booking else {}
    offered = {option["words"]: option["start"] for option in notes.get("offered", [])}
    if not offered or notes.get("chosen"):
        return str(notes.get("chosen", ""))
    found = await app.store.messages(h.conversation, int(kept.get("seq", 0)))
    return next((offered[m.text] for m in reversed(found) if m.author is Author.VISITOR and m.text in offered), "")


def moment(app: Here, text: str) -> datetime:
    """A start as typed: RFC 3339, or the wall clock of the practice. 422 for one that is past, far off or no time."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise Problem(422, f"{text!r} is no time: write 2026-12-01T10:00, in the practice's time zone.") from None
    wall = read.date().isoformat(), read.strftime("%H:%M")
    at = read if read.tzinfo else staff.local_slot(*wall, app.parts.hours)
    if not app.clock() < at < app.clock() + AHEAD:
        raise Problem(422, "This time has passed or is too far off.", errors=[{"field": "start", "detail": text}])
    return at


async def hold(app: Here, h: Handoff, who: Staff) -> Handoff:
    """Takes it when nobody has; whoever has it already goes on. Raises Held for anybody else."""
    if h.state is HandoffState.WAITING:
        lease = timedelta(seconds=app.settings.lease_seconds)
        return await app.store.move(steps.claim(h, who.holder, app.clock(), lease, app.words))
    return h


@router.post("/v1/console/bookings/{id}/take")
async def take(request: Request, id: str, who: Bookings) -> JSONResponse:
    """Claims the request, so that nobody else answers it meanwhile."""
    app = here(request)
    found = await request_of(app, id, who)
    if found.state is not HandoffState.WAITING and found.holder != who.holder.id:
        raise Problem(409, f"{found.holder_name or 'Somebody'} has it.", holder=found.holder_name)
    return JSONResponse(shapes.handoff(await hold(app, found, who), transcript=who.reads_transcripts))


@router.post("/v1/console/bookings/{id}/acknowledge")
async def acknowledge(request: Request, id: str, who: Bookings) -> JSONResponse:
    """Seen today, answered later: the visitor reads that the practice has seen the request, and nobody is reminded again."""
    app = here(request)
    step = steps.acknowledge(await request_of(app, id, who), who.holder, app.clock(), app.words)
    return JSONResponse(shapes.handoff(await app.store.move(step), transcript=who.reads_transcripts))


@router.post("/v1/console/bookings/{id}/release")
async def release(request: Request, id: str, who: Bookings) -> JSONResponse:
    """Back to the queue, with a note."""
    sent = await shapes.body(Note)(request)
    app = here(request)
    found = await request_of(app, id, who)
    again = ladder.again(found, app.words.practice, app.parts.notify, app.clock(), app.parts.hours)
    step = steps.release(found, who.holder, app.clock(), sent.note, app.words, notices=again)
    return JSONResponse(shapes.handoff(await app.store.move(step), transcript=who.reads_transcripts))


@router.post("/v1/console/bookings/{id}/accept")
async def accept(request: Request, id: str, who: Bookings) -> JSONResponse:
    """The slot is given: the visitor reads it in the chat with a link to a calendar file, and the request is closed."""
    sent = await shapes.body(Accept)(request)
    app = here(request)
    found = await request_of(app, id, who)
    start = moment(app, sent.start)
    held = await hold(app, found, who)
    token = secrets.token_urlsafe(18)
    base = app.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
    link = f"{base}/appointments/{token}.ics"
    step = staff.accept(
        held, who.holder, app.clock(), start, app.words, app.parts.hours, minutes=sent.minutes, link=link
    )
    await keep(app, id, token=token, state="booked", start=start.isoformat(), minutes=sent.minutes)
    closed = await app.store.move(step)
    await app.store.audit(who.holder.id, "booking.accept", id, app.clock(), {"start": start.isoformat()})
    return JSONResponse(shapes.handoff(closed, transcript=who.reads_transcripts))


async def keep(app: Here, id: str, **changes: Any) -> None:
    kept = (await app.store.kept(KIND)).get(id, {})
    await app.store.keep(KIND, id, kept | changes, app.clock())


@router.post("/v1/console/bookings/{id}/offer")
async def offer(request: Request, id: str, who: Bookings) -> JSONResponse:
    """Other times: the visitor answers with one tap, and the answer shows here without the transcript."""
    sent = await shapes.body(Offer)(request)
    app = here(request)
    found = await request_of(app, id, who)
    starts = [moment(app, text) for text in dict.fromkeys(sent.starts)]
    held = await hold(app, found, who)
    visit = await app.store.visit(held.conversation)
    await keep(app, id, seq=visit.last_seq if visit else 0, minutes=sent.minutes, state="offered")
    moved = await app.store.move(staff.offer(held, who.holder, app.clock(), starts, app.words, app.parts.hours))
    await app.store.audit(who.holder.id, "booking.offer", id, app.clock(), {"slots": len(starts)})
    return JSONResponse(shapes.handoff(moved, transcript=who.reads_transcripts))


@router.post("/v1/console/bookings/{id}/decline")
async def decline(request: Request, id: str, who: Bookings) -> JSONResponse:
    """No, with somewhere else to turn to. The request is closed."""
    sent = await shapes.body(Decline)(request)
    app = here(request)
    found = await request_of(app, id, who)
    held = await hold(app, found, who)
    closed = await app.store.move(staff.decline(held, who.holder, app.clock(), sent.referral, app.words))
    await keep(app, id, state="declined")
    await app.store.audit(who.holder.id, "booking.decline", id, app.clock())
    return JSONResponse(shapes.handoff(closed, transcript=who.reads_transcripts))


@router.get("/v1/console/bookings/{id}/fhir")
async def fhir(request: Request, id: str, who: Bookings) -> JSONResponse:
    """The request as a FHIR R4 Appointment: proposed until a slot is given, then booked."""
    app = here(request)
    found = await request_of(app, id, who)
    await app.store.audit(who.holder.id, "booking.export", id, app.clock())
    shape = booking_export.appointment(found, app.words.practice)
    return JSONResponse(shape, media_type="application/fhir+json")


@router.get("/appointments/{token}.ics")
async def calendar(request: Request, token: str) -> Response:
    """The calendar file behind the link in the chat: the time and the practice, and nothing of the visitor."""
    app = here(request)
    for id, one in (await app.store.kept(KIND)).items():
        if secrets.compare_digest(str(one.get("token", "")).encode(), token.encode()) and token:
            found = await app.store.handoff(id)
            body = booking_export.ics(found, app.words, app.clock()) if found else None
            if body is None:
                break
            disposition = {"Content-Disposition": "attachment; filename=appointment.ics"}
            return Response(body, media_type="text/calendar", headers=disposition)
    raise Problem(404, "There is no such appointment, or it has been called off.")
