"""Passkeys: made by a signed-in person, good for signing in without a password. The device checks who holds it."""

from __future__ import annotations

import json
import secrets
from typing import Any
from urllib.parse import urlsplit

import webauthn
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from bot.routes import access, guard, shapes, signin
from bot.routes.console_account import Person, audit, mine, prove
from bot.routes.problems import Problem
from bot.routes.state import Here, here

router = APIRouter(prefix="/v1", include_in_schema=False)

MOST = 10
REFUSED = "This passkey was not accepted here."


class NewPasskey(shapes.Body):
    password: str = Field(min_length=1, max_length=1000)


class Made(shapes.Body):
    ticket: str = Field(min_length=1, max_length=200)
    name: str = Field("Passkey", min_length=1, max_length=60)
    credential: dict[str, Any]


class Shown(shapes.Body):
    ticket: str = Field(min_length=1, max_length=200)
    credential: dict[str, Any]


def party(request: Request) -> tuple[str, list[str]]:
    """(the host's name that passkeys are bound to, the origins they may be used from)."""
    app = here(request)
    origins = sorted(guard.own_origin(request.headers, request.url.scheme, app.settings))
    host = urlsplit(app.settings.public_url or origins[0]).hostname or "localhost"
    return host, origins


def usable(request: Request) -> bool:
    """Browsers refuse passkeys on a bare address: localhost or a name it must be."""
    host, _ = party(request)
    return not (":" in host or host.replace(".", "").isdigit())


async def _challenge(app: Here, challenge: bytes, **more: str) -> str:
    value = secrets.token_urlsafe(32)
    kept = {"challenge": challenge.hex()} | more
    await app.store.put_secret("passkey", access.digest(value), kept, app.clock() + signin.TICKET)
    return value


@router.post("/account/passkeys/options")
async def begin(request: Request, who: Person) -> JSONResponse:
    """What the browser needs to make one."""
    sent = await shapes.body(NewPasskey)(request)
    app, user = here(request), mine(who)
    await prove(request, user, sent.password)
    own = [id for id, one in (await app.store.kept("passkey")).items() if one["user"] == user.id]
    if len(own) >= MOST:
        raise Problem(409, f"There are {MOST} passkeys already: take one away first.")
    if not usable(request):
        raise Problem(409, "Passkeys need a name, not an address: open the console at http://localhost or your domain.")
    host, _ = party(request)
    options = webauthn.generate_registration_options(
        rp_id=host,
        rp_name=f"Handrail {app.words.practice.name}",
        user_id=user.id.encode(),
        user_name=user.email,
        user_display_name=user.name,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(id)) for id in own],
    )
    ticket = await _challenge(app, options.challenge, user=user.id)
    return JSONResponse({"ticket": ticket, "options": json.loads(webauthn.options_to_json(options))})


@router.post("/account/passkeys", status_code=201)
async def add(request: Request, who: Person) -> JSONResponse:
    """The passkey that the browser has made."""
    sent = await shapes.body(Made)(request)
    app, user = here(request), mine(who)
    kept = await app.store.take_secret("passkey", access.digest(sent.ticket), app.clock())
    if kept is None or kept.get("user") != user.id:
        raise Problem(422, "This took too long: begin again.")
    host, origins = party(request)
    try:
        made = webauthn.verify_registration_response(
            credential=sent.credential,
            expected_challenge=bytes.fromhex(kept["challenge"]),
            expected_rp_id=host,
            expected_origin=origins,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise Problem(422, REFUSED) from None
    id = bytes_to_base64url(made.credential_id)
    one = {
        "user": user.id,
        "name": sent.name,
        "key": bytes_to_base64url(made.credential_public_key),
        "count": made.sign_count,
        "made": shapes.when(app.clock()),
    }
    await app.store.keep("passkey", id, one, app.clock())
    await audit(app, who, "passkey.add", user.id)
    return JSONResponse({"id": id, "name": sent.name}, 201)


@router.delete("/account/passkeys/{id}", status_code=204)
async def remove(request: Request, id: str, who: Person) -> Response:
    app, user = here(request), mine(who)
    one = (await app.store.kept("passkey")).get(id)
    if one is None or one["user"] != user.id:
        raise Problem(404, "There is no such passkey.")
    await app.store.drop("passkey", id)
    await audit(app, who, "passkey.remove", user.id)
    return Response(status_code=204)


@router.post("/signin/passkey/options")
async def ask(request: Request) -> JSONResponse:
    """A challenge for any passkey of this console: which account it is, the device says."""
    await signin.at_the_door(request)
    app = here(request)
    host, _ = party(request)
    options = webauthn.generate_authentication_options(
        rp_id=host, user_verification=UserVerificationRequirement.REQUIRED
    )
    ticket = await _challenge(app, options.challenge)
    return JSONResponse({"ticket": ticket, "options": json.loads(webauthn.options_to_json(options))})


@router.post("/signin/passkey")
async def sign_in(request: Request) -> Response:
    """Signs in with what the device answered: it holds the key, and has checked who holds the device."""
    await signin.at_the_door(request)
    sent = await shapes.body(Shown)(request)
    app = here(request)
    kept = await app.store.take_secret("passkey", access.digest(sent.ticket), app.clock())
    id = str(sent.credential.get("id", ""))
    one = (await app.store.kept("passkey")).get(id)
    user = await app.store.user(id=one["user"]) if one else None
    if kept is None or "user" in kept or one is None or user is None or user.disabled_at is not None:
        raise signin.refused(REFUSED)
    host, origins = party(request)
    try:
        shown = webauthn.verify_authentication_response(
            credential=sent.credential,
            expected_challenge=bytes.fromhex(kept["challenge"]),
            expected_rp_id=host,
            expected_origin=origins,
            credential_public_key=base64url_to_bytes(one["key"]),
            credential_current_sign_count=int(one["count"]),
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        await app.store.audit(f"user:{user.id}", "signin.refused", user.id, app.clock(), {"step": "passkey"})
        raise signin.refused(REFUSED) from None
    await app.store.keep("passkey", id, one | {"count": shown.new_sign_count}, app.clock())
    return await signin.begin(request, user, "passkey")
