"""A clinician's tools beside the queue's own calls: duty, typing, canned replies, articles to cite, marks on flags."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from bot.handoff import promise_text
from bot.model import Author, Handoff, NotThere
from bot.routes import access, shapes
from bot.routes.access import Staff
from bot.routes.console_board import board
from bot.routes.problems import Problem
from bot.routes.state import Here, here
from bot.safety import cases

router = APIRouter(prefix="/v1/console", include_in_schema=False)

Handoffs = Annotated[Staff, Depends(access.staff("handoffs"))]
Bookings = Annotated[Staff, Depends(access.staff("handoffs", "bookings"))]
Anyone = Annotated[Staff, Depends(access.staff("handoffs", "bookings", "admin", "audit"))]

REASONS = {
    "suicide": "Suicide", "self_harm": "Self-harm", "harm_to_others": "Harm to others", "abuse": "Abuse",
    "psychosis": "Unusual experiences", "overdose": "Overdose", "medical": "Medical", "eating": "Eating",
    "perinatal": "Around birth", "minor": "A minor", "someone_else": "Worry about someone",
    "bereavement": "Bereavement", "substance": "Substance use", "medication": "Medication", "diagnosis": "Diagnosis",
    "booking": "Consultation",
    "asked": "Asked for a person", "unsure": "Unsure", "fault": "A fault of ours", "none": "No reason given",
}  # fmt: skip
MARKS = ("right", "wrong", "missed")


class Duty(shapes.Body):
    on: bool


class Mark(shapes.Body):
    mark: str = Field(pattern="^(right|wrong|missed)$")
    seq: int = Field(ge=0, le=2**53)
    rule: str = Field("", max_length=200)
    words: str = Field("", max_length=cases.LONGEST)  # the message as the clinician would put it; a test case to be
    should_be: int | None = Field(None, ge=0, le=4)


@router.post("/stay", status_code=204)
async def stay(request: Request, who: Anyone) -> Response:
    """I am still here: the session's idle clock begins anew (access has touched it)."""
    return Response(status_code=204)


@router.post("/duty")
async def duty(request: Request, who: Bookings) -> JSONResponse:
    """On or off duty: to whom a handoff may be transferred, who is told."""
    if who.user is None:
        raise Problem(403, "People are on duty, not API keys.")
    sent = await shapes.body(Duty)(request)
    app = here(request)
    await app.store.change_user(who.user.id, on_duty=sent.on)
    await app.store.audit(who.holder.id, "duty.on" if sent.on else "duty.off", who.user.id, app.clock())
    board(request.app.state).changed()
    return JSONResponse({"on_duty": sent.on})


async def known(app: Here, id: str) -> Handoff:
    found = await app.store.handoff(id)
    if found is None:
        raise NotThere(id)
    return found


@router.post("/handoffs/{id}/typing", status_code=204)
async def typing(request: Request, id: str, who: Handoffs) -> Response:
    """The holder is writing a reply. A private note sends no such sign."""
    sign = await shapes.body(shapes.Typing)(request)
    app = here(request)
    found = await known(app, id)
    if found.holder != who.holder.id:
        raise Problem(409, f"{found.holder_name or 'Nobody'} holds this handoff now.", holder=found.holder_name)
    app.typing_sign(found.conversation, "clinician", sign.typing)
    return Response(status_code=204)


# ── canned replies ──


@router.get("/handoffs/{id}/canned")
async def canned(request: Request, id: str, who: Handoffs) -> JSONResponse:
    """The practice's ready-made replies, their variables filled; what is unknown stays [in brackets]."""
    app = here(request)
    found = await known(app, id)
    table = app.words.language(found.language).tables.get("canned") or app.words.language("en").tables["canned"]
    values = filled(app, found, who, table)
    replies = [
        {"key": one["key"], "title": one["title"], "text": one["text"].format_map(_Unknown(values)).strip()}
        for one in table.get("reply", [])
    ]
    return JSONResponse({"replies": replies})


class _Unknown(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return f"[{key.replace('_', ' ')}]"


def filled(app: Here, h: Handoff, who: Staff, table: Any) -> dict[str, str]:
    practice, place = app.words.practice, app.words.country(h.country)
    line = next(iter(place.about(h.reason.value, "suicide")), None)
    name = h.card.booking.name if h.card.booking else ""
    values = {
        "name": name or str(table.get("default", {}).get("name", "")),
        "clinician": who.holder.name,
        "practice": practice.name,
        "telephone": practice.telephone,
        "offer": practice.booking_offer,
        "emergency": place.emergency,
        "line": line.name if line else "",
        "line_number": (line.call or line.text or line.chat) if line else "",
        "promise": promise_text(app.words, app.parts.hours, h.urgency, app.clock(), h.language),
    }
    return {key: value for key, value in values.items() if value}


# ── articles ──


@router.get("/articles")
async def articles(
    request: Request, who: Handoffs, q: Annotated[str, Query(min_length=2, max_length=400)]
) -> JSONResponse:
    """Passages of the practice's own articles, to be quoted with where they stand."""
    app = here(request)
    found = await asyncio.to_thread(app.search.find, q, limit=12)
    base = app.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
    rows, seen = [], set()
    for hit in found.hits:
        if (hit.passage.id, hit.sentence) in seen:
            continue
        seen.add((hit.passage.id, hit.sentence))
        rows.append(
            {
                "article": hit.passage.article,
                "title": hit.passage.title,
                "heading": hit.passage.heading,
                "quote": hit.text,
                "before": " ".join(hit.passage.sentences[max(0, hit.sentence - 1) : hit.sentence]),
                "after": " ".join(hit.passage.sentences[hit.sentence + 1 : hit.sentence + 2]),
                "url": f"{base}/articles/{hit.passage.article}#s{hit.passage.position}-{hit.sentence}",
            }
        )
    return JSONResponse({"articles": rows})


# ── marks on flags: what the filter did wrong, for those who keep its rules ──


@router.post("/handoffs/{id}/marks", status_code=201)
async def mark(request: Request, id: str, who: Handoffs) -> JSONResponse:
    """A flag was right or wrong, or a message should have been flagged and was not. Ids are kept, and the clinician's
    own words where they give some: a test case (`handrail marks export`). The visitor's words are refused there."""
    sent = await shapes.body(Mark)(request)
    app = here(request)
    found = await known(app, id)
    if sent.mark != "missed" and not any(m.rule == sent.rule and m.seq == sent.seq for m in found.card.marked):
        raise Problem(422, "There is no such flag on this card.")
    words = " ".join(sent.words.split())
    if words:
        said = await app.store.messages(found.conversation, 0, 5000)
        why = cases.refused(words, (m.text for m in said if m.author is Author.VISITOR))
        if why:
            raise Problem(422, why)
    one = {
        "handoff": id,
        "conversation": found.conversation,
        "seq": sent.seq,
        "rule": sent.rule,
        "mark": sent.mark,
        "urgency": found.urgency,
        "by": who.holder.name,
        "at": shapes.when(app.clock()),
        "words": words,
        "should_be": sent.should_be,
    }
    await app.store.keep("mark", f"{id} {sent.seq} {sent.rule}"[:200], one, app.clock())
    what = {"mark": sent.mark, "rule": sent.rule, "seq": sent.seq}
    await app.store.audit(who.holder.id, "flag.mark", id, app.clock(), what)
    return JSONResponse({"mark": one}, 201)


@router.get("/handoffs/{id}/marks")
async def marks(request: Request, id: str, who: Handoffs) -> JSONResponse:
    kept = await here(request).store.kept("mark")
    return JSONResponse({"marks": [one for one in kept.values() if one["handoff"] == id]})
