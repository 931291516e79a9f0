"""How a command speaks: errors in one line on stderr, tables, progress, JSON lines."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, NoReturn

USE, FAILURE = 2, 1
WIDE = 200  # columns of a table in a pipe or a file: no id is broken in two


def fail(message: str, code: int = FAILURE) -> NoReturn:
    """Ends with one line on stderr: what is wrong and what to do."""
    print("handrail: " + " ".join(str(message).split()), file=sys.stderr)
    raise SystemExit(code)


class told:  # in lower case, as it is read: `with told():`
    """Turns everything that a user can cause into one line and an exit code; never a traceback."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, SystemExit):
            _tell(error)


def _tell(error: BaseException) -> None:
    """Ends here when it is a fault with words of its own; what it is not is left as it is. Imports only what a fault needs."""
    from bot.model import NotThere, StoreFault
    from bot.office import OrderRefused
    from bot.safety import RuleFault
    from bot.settings import SettingsFault
    from bot.words import WordsFault
    from retrieval.model import ArticleRefused, IndexUnusable, ModelUnusable

    match error:
        case SettingsFault() | OrderRefused():
            fail(str(error), USE)
        case WordsFault() | RuleFault() | ArticleRefused() | IndexUnusable() | ModelUnusable() | StoreFault():
            fail(str(error))
        case NotThere():
            fail(f"there is no {error.args[0] if error.args else 'such thing'}")
        case BrokenPipeError():
            sys.stderr.close()
            raise SystemExit(0) from None
        case KeyboardInterrupt():
            fail("stopped; what was there before is still there", 130)
        case OSError():
            fail(f"{error.filename or ''}: {error.strerror or error}".lstrip(": "))


class Progress:
    """A bar on stderr for what takes longer than two seconds; on no terminal, a line a step."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._doing = ""

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *rest: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, doing: str, done: int, of: int) -> None:
        if not sys.stderr.isatty():
            if doing != self._doing:
                self._doing = doing
                print(f"{doing} …", file=sys.stderr, flush=True)
            return
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._bar = Bar(*columns, console=Console(stderr=True))
            self._bar.start()
        if doing != self._doing:
            self._doing, self._task = doing, self._bar.add_task(doing, total=of or None)
        self._bar.update(self._task, completed=done, total=of or None)


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> None:
    from rich.console import Console
    from rich.table import Table

    sheet = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name in columns:
        sheet.add_column(name, overflow="fold")
    for row in rows:
        sheet.add_row(*(str(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else WIDE).print(sheet)


def lines_in() -> Iterator[tuple[str, list[str]]]:
    """JSON lines from stdin: {"id","text"} or {"id","turns":[…]} as (id, texts). A bad line ends with its number.

    The first is read at once, so that what is no JSON is said before a model is loaded for it.
    """
    lines = _lines()
    first = list(itertools.islice(lines, 1))
    return itertools.chain(first, lines)


def _lines() -> Iterator[tuple[str, list[str]]]:
    for number, raw in enumerate(sys.stdin.buffer, 1):
        if not raw.strip():
            continue
        try:
            item = json.loads(raw.decode("utf-8"))
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            fail(f"line {number} is not JSON in UTF-8: {error}", USE)
        texts = item.get("turns", [item.get("text")]) if isinstance(item, dict) else None
        if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
            fail(f'line {number}: write {{"id": "1", "text": "…"}} or {{"id": "1", "turns": ["…", "…"]}}', USE)
        yield item.get("id", str(number)), texts


def line_out(item: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(item, ensure_ascii=False) + "\n")
    sys.stdout.flush()
