"""E-mail to whoever is on duty, over SMTP: urgency, reason, and where to look; never a word of the visitor's."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from email_validator import EmailNotValidError, validate_email
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from bot.hours import Hours
from bot.model import Delivery, Handoff
from bot.ports import Clock, Permanent, Store
from bot.settings import Settings, SettingsFault, shipped
from bot.words import Words

SECONDS = 20.0


class Mail:
    """One message a notice, in a thread, since smtplib waits. SMTP away: an error, and the outbox tries again."""

    def __init__(
        self, url: str, sender: str, console: str, words: Words, clock: Clock, seconds: float = SECONDS
    ) -> None:
        self._server = urlsplit(url)
        self._sender, self._console, self._words, self._clock, self._seconds = sender, console, words, clock, seconds
        self._hours = Hours(words.practice)
        self._pages = Environment(
            loader=FileSystemLoader(shipped("web") / "templates" / "mail"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
        )

    async def send(self, delivery: Delivery, handoff: Handoff | None) -> None:
        """Raises Permanent where this address or this server will never take it, OSError to be tried again."""
        message = self.message(delivery, handoff)
        try:
            await asyncio.to_thread(self._deliver, message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = {code for code, _ in error.recipients.values()}
            raise _refusal("the recipient was refused", max(codes)) from None
        except smtplib.SMTPResponseException as error:
            raise _refusal("the mail server refused", error.smtp_code) from None
        except smtplib.SMTPException as error:
            raise ConnectionError(f"mail: {type(error).__name__}") from None

    def message(self, delivery: Delivery, handoff: Handoff | None) -> EmailMessage:
        """Subject, plain text and HTML. The Message-ID is the delivery's, so that a repeat is known as one."""
        to = delivery.target.partition(":")[2]
        drill, at = delivery.kind.startswith("drill."), self._clock()
        values: dict[str, Any] = {
            "kind": delivery.kind,
            "urgency": handoff.urgency if handoff else 0,
            "reason": handoff.reason.value.replace("_", " ") if handoff else "none",
        }
        block = "mail_subject_" + delivery.kind.replace(".", "_")
        if not self._words.has(block):
            block = "mail_subject_other"
        headline, _ = self._words.say(block, "en", **values)
        shown = values | {
            "headline": headline,
            "drill": drill,
            "opened": self._time(handoff.opened_at, at) if handoff else "",
            "due": self._time(handoff.due_at, at) if handoff and handoff.due_at else "",
            "handoff": delivery.handoff,
            "link": f"{self._console}/console" if self._console else "",
            "practice": self._words.practice.name,
        }
        mail = EmailMessage()
        mail["Subject"] = headline
        mail["From"] = self._sender
        mail["To"] = to
        mail["Date"] = format_datetime(at)
        mail["Message-ID"] = f"<handrail-{delivery.id}@{self._sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        if delivery.handoff:
            mail["References"] = f"<handrail-{delivery.handoff}@{self._sender.rpartition('@')[2]}>"
        if handoff and handoff.urgency >= 3:
            mail["X-Priority"] = "1"
            mail["Importance"] = "high"
        mail.set_content(self._pages.get_template("notice.txt").render(shown))
        mail.add_alternative(self._pages.get_template("notice.html").render(shown), subtype="html")
        return mail

    def _time(self, when: datetime, now: datetime) -> str:
        words = self._hours.words_of(when, now, "en")
        return f"{words['time']}, {words['date']} ({words['zone']})"

    def _deliver(self, mail: EmailMessage) -> None:
        with _signed_in(self._server, self._seconds) as line:
            line.send_message(mail)


def _signed_in(server: SplitResult, seconds: float) -> smtplib.SMTP:
    """A line to the mail server, sealed where it can be, and signed in where the setting has a user."""
    secure = server.scheme == "smtps"
    port = server.port or (465 if secure else 25)
    host, context = server.hostname or "", ssl.create_default_context()
    line: smtplib.SMTP = (
        smtplib.SMTP_SSL(host, port, timeout=seconds, context=context)
        if secure
        else smtplib.SMTP(host, port, timeout=seconds)
    )
    try:
        line.ehlo()
        if not secure and line.has_extn("starttls"):
            line.starttls(context=context)
            line.ehlo()
        if server.username:
            line.login(unquote(server.username), unquote(server.password or ""))
    except BaseException:
        line.close()
        raise
    return line


def reach(url: str, seconds: float = SECONDS) -> str:
    """ "" when the server of HANDRAIL_SMTP_URL lets us in; else what is wrong, in one line. Sends nothing."""
    server = urlsplit(url)
    try:
        with _signed_in(server, seconds) as line:
            line.noop()
    except (OSError, smtplib.SMTPException) as error:
        code = f" {error.smtp_code}" if isinstance(error, smtplib.SMTPResponseException) else ""
        return f"{server.hostname}: {type(error).__name__}{code}: check HANDRAIL_SMTP_URL and the server"
    return ""


def _refusal(what: str, code: int) -> Exception:
    """5xx is for good, save when the server wants another sign-in or has no room; the rest may pass."""
    if 500 <= code < 600 and code not in {530, 534, 535, 552, 554}:
        return Permanent(f"{what}: {code}")
    return ConnectionError(f"{what}: {code}")


def make(settings: Settings, words: Words, store: Store, clock: Clock, addresses: Sequence[str]) -> Mail:
    for address in addresses:
        try:
            validate_email(address, check_deliverability=False, test_environment=True)
        except EmailNotValidError as error:
            raise SettingsFault(f"HANDRAIL_NOTIFY=mailto:{address}: {error}") from None
    if addresses and not settings.smtp_url:
        raise SettingsFault("HANDRAIL_NOTIFY has mailto: set HANDRAIL_SMTP_URL=smtp://user:password@host:587")
    if settings.smtp_url and (urlsplit(settings.smtp_url).scheme not in {"smtp", "smtps"}):
        raise SettingsFault("HANDRAIL_SMTP_URL: write smtp://user:password@host:587, or smtps:// for port 465")
    sender = settings.smtp_from or words.practice.get("email") or "handrail@localhost"
    return Mail(settings.smtp_url, str(sender), settings.public_url.rstrip("/"), words, clock)
