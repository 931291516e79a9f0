"""handrail shadow, marks, referrals: what those who answer for the filter see, from real conversations."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import httpx
import pytest
from cast import Server, Visitor

PACK = """
[[rule]]
id = "practice.bell"
reason = "suicide"
urgency = 3
why = "A code word of the neighbourhood."
match = ["ring the (old)? bell"]
fires_on = ["I want to ring the bell"]
silent_on = ["the bell rings"]
"""


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack")
    (folder / "en" / "rules").mkdir(parents=True)
    (folder / "en" / "rules" / "practice_bell.toml").write_text(PACK, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def server(make_server: Any, pack: Path) -> Server:
    made: Server = make_server(HANDRAIL_SHADOW_RULES=str(pack))
    return made


def out(server: Server, *words: str) -> Any:
    done = server.run(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_pack_in_shadow_changes_nothing_and_is_reported_by_ids_alone(server: Server) -> None:
    visitor = Visitor(server.url)
    visitor.say("What is exposure therapy?")
    said = visitor.say("Tonight I will ring the old bell.")
    assert said["conversation"]["urgency"] == 0 and said["conversation"]["handoff"] is None
    (row,) = [r for r in out(server, "shadow", "report")["messages"] if r["conversation"] == visitor.id]
    assert row["seq"] == said["message"]["seq"]
    assert (row["urgency"], row["would"]) == (0, {"urgency": 3, "reason": "suicide"})
    assert row["rules"] == ["practice.bell"] and row["without"] == []
    assert "old bell" not in json.dumps(row)
    shown = server.run("shadow", "report")
    assert "1 would be raised" in shown.stdout and "old bell" not in shown.stdout
    assert server.run("shadow", "clear").returncode == 0
    assert out(server, "shadow", "report")["messages"] == []


def test_a_pack_is_tried_on_cases_before_it_runs_anywhere(server: Server, pack: Path, tmp_path: Path) -> None:
    file = tmp_path / "cases.toml"
    file.write_text(
        '[[group]]\nclass = "code"\nat_least = 2\ntexts = ["please ring the bell", "ring the alarm"]\n', encoding="utf-8"
    )
    found = out(server, "shadow", "try", str(pack), "--cases", str(file))
    assert found["texts"] == 2
    (one,) = found["changed"]
    assert (one["from"], one["to"], one["rules"], one["fits"]) == ([0, "none"], [3, "suicide"], ["practice.bell"], "right")


def test_a_pack_that_cannot_be_used_is_refused_in_one_line(server: Server, tmp_path: Path) -> None:
    (tmp_path / "en" / "rules").mkdir(parents=True)
    (tmp_path / "en" / "rules" / "practice_x.toml").write_text('[[rule]]\nid = "x"\nwhy = "y"\n', encoding="utf-8")
    done = server.run("shadow", "try", str(tmp_path), "--cases", str(tmp_path / "none.toml"))
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "fires_on" in done.stderr
    done = server.run("shadow", "try", str(tmp_path / "nothing"))
    assert done.returncode == 1 and "is not a folder" in done.stderr


@pytest.fixture(scope="module")
def flagged(server: Server) -> tuple[Visitor, dict[str, Any], httpx.Client]:
    visitor = Visitor(server.url)
    visitor.say("my brother moved all of his fishing rods to my house")
    visitor.say("I want to die and I cannot see any other way out")
    client = httpx.Client(
        base_url=server.url, headers={"Authorization": f"Bearer {server.key('marks', 'handoffs')}"}, timeout=30
    )
    (card,) = [h for h in client.get("/v1/handoffs").json()["handoffs"] if h["conversation"] == visitor.id]
    return visitor, card, client


def test_marks_become_test_cases_in_the_clinician_s_own_words(server: Server, flagged: Any, tmp_path: Path) -> None:
    visitor, card, client = flagged
    where = f"/v1/console/handoffs/{card['id']}/marks"
    missed = next(m["seq"] for m in visitor.messages() if m["text"].startswith("my brother"))
    copied = client.post(
        where, json={"mark": "missed", "seq": missed, "words": "He moved all of his fishing rods.", "should_be": 2}
    )
    assert copied.status_code == 422 and "own words" in copied.json()["detail"]
    pointing = client.post(where, json={"mark": "missed", "seq": missed, "words": "call 555 123 4567 about him"})
    assert pointing.status_code == 422
    own = {"mark": "missed", "seq": missed, "words": "A relative hands over what he loves to do.", "should_be": 2}
    assert client.post(where, json=own).status_code == 201
    rule = card["card"]["fired"][0]
    wrong = {"mark": "wrong", "seq": rule["seq"], "rule": rule["rule"], "words": "Said as a saying.", "should_be": 0}
    assert client.post(where, json=wrong).status_code == 201

    file = tmp_path / "cases.toml"
    done = server.run("marks", "export", str(file))
    assert done.returncode == 0 and "2 test cases" in done.stderr
    groups = tomllib.loads(file.read_text(encoding="utf-8"))["group"]
    assert [(g["at_least"], g["at_most"], g["texts"], g.get("rule", "")) for g in groups] == [
        (2, 4, ["A relative hands over what he loves to do."], ""),
        (0, 0, ["Said as a saying."], rule["rule"]),
    ]
    assert "fishing" not in file.read_text(encoding="utf-8") and "way out" not in file.read_text(encoding="utf-8")
    assert len(out(server, "marks", "list")["marks"]) == 2


def test_each_crisis_line_that_is_shown_is_counted_without_a_person_in_it(server: Server, flagged: Any) -> None:
    before = out(server, "referrals", "--year", _year(flagged[0]))["total"]
    assert before >= 1
    visitor = Visitor(server.url)
    visitor.say("What is exposure therapy?")
    assert out(server, "referrals", "--year", _year(visitor))["total"] == before
    visitor.say("I'm going to kill myself tonight")
    key = server.key("asking", "answers")
    asked = httpx.post(
        server.url + "/v1/answers", json={"text": "I want to kill myself"}, headers={"Authorization": f"Bearer {key}"}
    )
    assert asked.json()["route"] == "human"
    found = out(server, "referrals", "--year", _year(visitor))
    assert found["total"] == before + 2
    assert found["by_urgency"]["4"] >= 1 and found["by_reason"]["suicide"] >= 2 and found["by_country"] == {"US": found["total"]}
    assert sum(found["by_month"].values()) == found["total"]
    assert visitor.id not in json.dumps(found)
    empty = out(server, "referrals", "--year", "2001")
    assert empty["total"] == 0


def test_the_count_outlives_the_conversation(server: Server) -> None:
    visitor = Visitor(server.url)
    visitor.say("I want to be dead")
    year = _year(visitor)
    before = out(server, "referrals", "--year", year)["total"]
    assert visitor.http.delete(visitor.path).status_code == 200
    assert out(server, "referrals", "--year", year)["total"] == before


def _year(visitor: Visitor) -> str:
    return str(visitor.messages()[0]["created_at"])[:4]
