"""The pages: the demo's front, the chat, the articles, the practice, the safety protocol, and the scripts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from bot import __version__
from bot.answer import practice_page
from bot.routes import access, files, guard, launcher, look
from bot.routes.problems import Problem
from bot.routes.state import Here, here
from bot.safety import protocol
from bot.settings import shipped
from retrieval.model import Passage
from retrieval.passages import passages_of

router = APIRouter(include_in_schema=False)
router.include_router(look.router)

WEB = shipped("web")
STATIC = WEB / "static"
EXIT_URL = "https://www.weather.gov/"  # where the quick exit leads when practice.toml names no exit_url
RTL = {"ar", "he", "fa", "ur"}


def templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(WEB / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@lru_cache(maxsize=256)
def _digest(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]


def static(name: str) -> str:
    """/static/<name>?v=<digest of its bytes>."""
    return f"/static/{name}?v={_digest(name)}"


@lru_cache(maxsize=16)
def interface_words(language: str) -> dict[str, str]:
    """The frame's own words in a language; a missing one falls back to English."""
    english: dict[str, str] = json.loads((STATIC / "locales" / "en.json").read_text(encoding="utf-8"))
    other = STATIC / "locales" / f"{language}.json"
    return english | (json.loads(other.read_text(encoding="utf-8")) if language != "en" and other.is_file() else {})


def languages() -> list[str]:
    return sorted(path.stem for path in (STATIC / "locales").glob("*.json"))


def page(request: Request, name: str, *, framed: bool = False, status: int = 200, **context: Any) -> Response:
    app = here(request)
    language = context.pop("language", "en")
    html = app.templates.get_template(name).render(
        practice=app.words.practice,
        language=language,
        dir="rtl" if language in RTL else "ltr",
        version=__version__,
        static=static,
        t=interface_words(language),
        **context,
    )
    headers = {"Content-Security-Policy": guard.page_csp(app.settings, framed=framed), "Cache-Control": "no-store"}
    return files.text(request, html.encode(), "text/html", headers, status=status)


def chosen_language(request: Request, app: Here) -> str:
    """?lang=, else the browser's, else the practice's first language; always one whose interface is shipped."""
    wanted = [request.query_params.get("lang", "")]
    wanted += [part.split(";")[0].strip() for part in request.headers.get("accept-language", "").split(",")]
    for code in wanted:
        short = code.split("-")[0].lower()
        if short and short in languages():
            return short
    return app.words.practice.languages[0]


def exit_url(request: Request, app: Here) -> str:
    """Where the quick exit leads: http(s) alone, so that no script can be smuggled in."""
    given = request.query_params.get("exit", "")
    scheme = urlsplit(given).scheme
    default = str(app.words.practice.get("exit_url") or EXIT_URL)
    return given if scheme in {"http", "https"} else default


@router.get("/")
async def home(request: Request) -> Response:
    return page(request, "home.html")


@router.get("/chat")
async def chat(request: Request) -> Response:
    """The visitor's page, whole or in the widget's frame; the crisis lines are in it, first."""
    app = here(request)
    language = chosen_language(request, app)
    country = app.words.country(request.query_params.get("country") or app.words.practice.country)
    config = {
        "language": language,
        "country": country.code,
        "exit_url": exit_url(request, app),
        "heartbeat_seconds": 20,
        "text_limit": 4000,
        "exercises": _exercises(app, language),
        "reading": _reading(app),
        "conversation": await _resumed(request, app),
        "origins": list(app.settings.origins),
        "consent": _consent(app),
        "spoken": [code for code, words in app.words.languages.items() if words.blocks],
    }
    return page(
        request,
        "talk.html",
        framed=True,
        language=language,
        country=country,
        countries=sorted(app.words.countries.values(), key=lambda c: (not c.code, c.name)),  # the unknown one last
        languages=languages(),
        embedded=request.query_params.get("embed") == "1",
        theme=request.query_params.get("theme", ""),
        look=urlencode(look.kept(dict(request.query_params))),
        config=config,
    )


def _consent(app: Here) -> dict[str, str]:
    """The practice's own sentence of consent by language: [privacy] consent, one for all or a table; else empty."""
    own = app.words.practice.get("privacy", "consent")
    return dict(own) if isinstance(own, dict) else dict.fromkeys(languages(), str(own)) if own else {}


def _exercises(app: Here, language: str) -> list[dict[str, Any]]:
    table = app.words.language(language).tables.get("exercises") or app.words.language("en").tables.get("exercises")
    found = (table or {}).get("exercise", [])
    return [dict(item) for item in found]


async def _resumed(request: Request, app: Here) -> str | None:
    """The conversation of the caller's cookie: a frame that may store nothing resumes by it."""
    token = request.cookies.get(access.VISITOR_COOKIE, "")
    found = await app.store.visit_of(access.digest(token), app.clock()) if token else None
    return found.conversation.id if found else None


def _reading(app: Here) -> list[dict[str, str]]:
    """What to read while waiting: practice.toml's `reading`, in its order; articles that are not there are left out."""
    found = app.search.articles
    chosen = [found[slug] for slug in app.words.practice.get("reading") or () if slug in found]
    return [{"slug": a.slug, "title": a.title, "summary": a.summary} for a in chosen]


@router.get("/articles")
async def articles(request: Request) -> Response:
    return page(request, "articles.html", articles=list(here(request).search.articles.values()))


@router.get("/articles/{slug}")
async def article(request: Request, slug: str) -> Response:
    """The article with an anchor on each sentence, so that a citation opens at its quote. `v` asks for the text as it
    stood when it was quoted; an article that has changed since, or answers no longer, is shown as it was, and says so."""
    search = here(request).search
    found = search.articles.get(slug)
    quoted = search.edition(slug, request.query_params.get("v", "")[:64])
    if quoted is not None and (found is None or quoted.digest != found.digest):
        sections = _sections(passages_of(quoted))
        return page(request, "article.html", article=quoted, sections=sections, former=True, gone=found is None)
    if found is None:
        return missing(request)
    return page(request, "article.html", article=found, sections=_sections(search.passages(slug)), former=False)


def _sections(passages: Iterable[Passage]) -> list[tuple[str, list[list[tuple[str, str]]]]]:
    sections: list[tuple[str, list[list[tuple[str, str]]]]] = []
    for passage in passages:
        if not sections or sections[-1][0] != passage.heading:
            sections.append((passage.heading, []))
        sections[-1][1].append([(f"s{passage.position}-{n}", s) for n, s in enumerate(passage.sentences)])
    return sections


@router.get("/practice")
async def practice(request: Request) -> Response:
    language = request.query_params.get("lang", "en")
    return page(request, "practice.html", rows=practice_page(here(request).words, language))


@router.get("/safety-protocol")
async def safety_protocol(request: Request) -> Response:
    app = here(request)
    language = chosen_language(request, app)
    told = protocol(app.words, app.parts.filter, language)
    return page(request, "protocol.html", language=language, protocol=told)


@router.get("/demo")
async def demo(request: Request) -> Response:
    return page(request, "demo.html")


@router.get("/gallery")
async def gallery(request: Request) -> Response:
    app = here(request)
    return page(request, "gallery.html", country=app.words.country(app.words.practice.country))


@router.get("/embed.js")
async def embed(request: Request) -> Response:
    """The loader, with the practice's name, words and first crisis lines in it: they show without another request."""
    app = here(request)
    interface = {code: interface_words(code) for code in languages()}
    default = str(app.words.practice.get("exit_url") or EXIT_URL)
    loader = (STATIC / "embed.js").read_text(encoding="utf-8")
    script = launcher.fill(loader, app.words, interface, __version__, default)
    body = files.lean(script, ".js").encode()
    return files.text(request, body, "text/javascript", {"Cache-Control": "public, max-age=300"})


@router.get("/static/{name:path}")
async def static_file(request: Request, name: str) -> Response:
    path = (STATIC / name).resolve()
    if STATIC.resolve() not in path.parents or not path.is_file():
        raise Problem(404, "There is no such file.")
    fresh = request.query_params.get("v") == _digest(str(path.relative_to(STATIC.resolve())))
    return files.send(request, path, "public, max-age=31536000, immutable" if fresh else "no-cache")


def missing(request: Request) -> Response:
    return page(request, "missing.html", status=404)
