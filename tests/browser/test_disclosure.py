"""That it is automated is said before anything is asked, on asking, every three hours, and after a week away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cast import copy_warm
from fastapi.testclient import TestClient

from bot.app import build
from bot.settings import Settings


class Moving:
    """A clock that the test moves on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 6, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Talk:
    """One visitor's conversation."""

    def __init__(self, http: TestClient) -> None:
        self.http = http
        opened = http.post("/v1/conversations", json={}).json()
        self.first: list[dict[str, Any]] = opened["messages"]
        self.path = f"/v1/conversations/{opened['id']}/messages"
        self.token = {"Authorization": f"Bearer {opened['token']}"}

    def says_that_it_is_automated(self, text: str) -> bool:
        answer = self.http.post(self.path, json={"text": text}, headers=self.token)
        assert answer.status_code == 201, answer.text
        return any(reply["kind"] in {"disclosure", "identity"} for reply in answer.json()["replies"])


@pytest.fixture
def clock() -> Moving:
    return Moving()


@pytest.fixture
def talk(warm: Path, tmp_path: Path, clock: Moving) -> Iterator[Talk]:
    app = build(Settings(data=copy_warm(warm, tmp_path / "data"), token_days=60), clock=clock)
    with TestClient(app) as http:
        yield Talk(http)


def test_first_on_asking_every_three_hours_and_after_a_week(talk: Talk, clock: Moving) -> None:
    question = "what is neuroplasticity?"
    assert [m["kind"] for m in talk.first] == ["disclosure"] and "not a person" in talk.first[0]["text"]
    assert not talk.says_that_it_is_automated(question)
    assert talk.says_that_it_is_automated("am I talking to a person?")
    clock.now += timedelta(hours=2, minutes=59)
    assert not talk.says_that_it_is_automated(question)
    clock.now += timedelta(minutes=2)
    assert talk.says_that_it_is_automated(question)
    assert not talk.says_that_it_is_automated(question)
    clock.now += timedelta(hours=3)
    assert talk.says_that_it_is_automated(question)
    clock.now += timedelta(days=7, minutes=1)
    assert talk.says_that_it_is_automated(question)
