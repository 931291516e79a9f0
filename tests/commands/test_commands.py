"""The command line as its users meet it: promised shapes, one-line errors, exit codes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from cast import HANDRAIL, ROOT, Server, called, copy_warm, environment, free_port


def handrail(
    *words: str, data: Path, stdin: str | bytes | None = None, timeout: float = 120, **settings: str
) -> subprocess.CompletedProcess[str]:
    raw = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [*HANDRAIL, *words],
        cwd=ROOT,
        env=environment(data, **settings),
        input=raw,
        capture_output=True,
        timeout=timeout,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def one_line(done: subprocess.CompletedProcess[str], code: int) -> str:
    """The error as promised: one line on stderr that says what to do, no traceback."""
    assert done.returncode == code, (done.returncode, done.stderr[-1500:])
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("handrail: ")]
    assert len(lines) == 1, done.stderr[-1500:]
    return lines[0]


@pytest.fixture
def data(warm: Path, tmp_path: Path) -> Path:
    return copy_warm(warm, tmp_path / "data")


# ── ask ──


def test_ask_answers_as_the_chat_would(data: Path) -> None:
    done = handrail("ask", "does therapy really change the brain?", data=data)
    assert done.returncode == 0, done.stderr
    assert "[1]" in done.stdout
    assert "/articles/" in done.stdout
    assert not (data / "handrail.sqlite").exists(), "ask opens no store"


def test_ask_jsonl_keeps_the_order_and_the_shape(data: Path) -> None:
    lines = [
        {"id": "a", "text": "what is cognitive behavioral therapy?"},
        {"id": 7, "text": "who won the world cup in 1998?"},
        {"id": "c", "turns": ["what is exposure therapy?", "how long does it take?"]},
        {"id": "d", "text": "I want to kill myself"},
        {"id": "e", "text": "should I stop taking my antidepressant?"},
        {"id": "f", "text": "are you a real person?"},
        {"id": "g", "text": "I want to book a consultation"},
        {"id": "h", "text": "are you open on saturday?"},
    ]
    done = handrail("ask", "--jsonl", data=data, stdin="\n".join(map(json.dumps, lines)))
    assert done.returncode == 0, done.stderr
    out = [json.loads(line) for line in done.stdout.splitlines()]
    assert [o["id"] for o in out] == ["a", 7, "c", "d", "e", "f", "g", "h"]
    for o in out:
        assert set(o) == {"id", "kind", "text", "citations", "route", "urgency", "reason", "score"}
        for c in o["citations"]:
            assert set(c) == {"n", "article", "title", "heading", "quote", "url"}
            assert c["quote"] in o["text"]
    by = {o["id"]: o for o in out}
    assert by["a"]["kind"] == "answer"
    assert by["a"]["citations"][0]["article"] == "cognitive-behavioral-therapy"
    assert by[7]["kind"] == "no_answer"
    assert (by["d"]["kind"], by["d"]["route"], by["d"]["reason"]) == ("crisis", "human", "suicide")
    assert by["d"]["urgency"] >= 3
    assert (by["e"]["kind"], by["e"]["route"], by["e"]["reason"]) == ("boundary", "human", "medication")
    assert by["f"]["kind"] == "identity"
    assert (by["g"]["kind"], by["g"]["route"], by["g"]["reason"]) == ("booking", "human", "booking")
    assert by["h"]["kind"] == "answer"
    assert by["h"]["citations"][0]["article"] == "practice"


def test_a_thousand_lines_in_one_go(data: Path) -> None:
    questions = ["what is dbt?", "hello", "does sleep matter?", "what does the amygdala do?", "who is the president?"]
    lines = "\n".join(json.dumps({"id": str(n), "text": f"{questions[n % 5]} {n}"}) for n in range(1000))
    done = handrail("ask", "--jsonl", data=data, stdin=lines, timeout=280)
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [str(n) for n in range(1000)]


def test_ask_on_a_folder_that_nobody_prepared(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "sleep.txt").write_text("Sleep and memory\n\nThe zorblax helps people to sleep. It works in two weeks.\n")
    (folder / "walk.html").write_text(
        "<html><head><title>Walking</title></head><body><h1>Walking</h1>"
        "<p>A daily walk of twenty minutes lifts the mood of many people. It costs nothing at all.</p></body></html>"
    )
    (folder / "plain.md").write_text("# Tea\n\nChamomile tea is a warm drink that many people like in the evening.\n")
    done = called("ask", "--articles", str(folder), "does a daily walk lift the mood?", data=data)
    assert done.returncode == 0, done.stderr
    assert "twenty minutes" in done.stdout


@pytest.mark.parametrize(
    ("words", "stdin"),
    [
        (("ask",), None),
        (("ask", "--jsonl"), "not json"),
        (("ask", "--jsonl"), '{"id": 1}'),
        (("ask", "--jsonl"), '{"id": 1, "turns": []}'),
        (("ask", "--jsonl"), b'{"id": 1, "text": "\xff"}'),
        (("screen",), None),
        (("screen", "--jsonl"), "[1]"),
        (("key", "add", "x", "--scopes", "everything"), None),
        (("key", "add", "x", "--scopes", ""), None),
        (("user", "add", "nobody"), None),
        (("user", "disable", "nobody@nowhere.example"), None),
    ],
)
def test_bad_use_is_one_line_and_exit_2(data: Path, words: tuple[str, ...], stdin: str | bytes | None) -> None:
    one_line(called(*words, data=data, stdin=stdin), 2)


def test_an_unknown_command_or_option_is_exit_2(data: Path) -> None:
    for words in (("dance",), ("serve", "--port", "many"), ("ask", "--loud", "x")):
        done = called(*words, data=data)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"HANDRAIL_ALLOWED_ORIGINS": "https://*.example"}, "HANDRAIL_ALLOWED_ORIGINS"),
        ({"HANDRAIL_DATABASE_URL": "mysql://x"}, "HANDRAIL_DATABASE_URL"),
        ({"HANDRAIL_CONVERSATIONS_PER_MINUTE": "many"}, "HANDRAIL_CONVERSATIONS_PER_MINUTE"),
        ({"HANDRAIL_SECRET_KEY_FILE": "/nowhere/at/all"}, "HANDRAIL_SECRET_KEY_FILE"),
    ],
)
def test_a_wrong_setting_is_named(data: Path, settings: dict[str, str], named: str) -> None:
    assert named in one_line(called("serve", "--port", "0", data=data, **settings), 2)


def test_an_empty_articles_folder(data: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for folder in (empty, tmp_path / "missing"):
        assert str(folder) in one_line(called("index", "--articles", str(folder), data=data), 1)
        assert str(folder) in one_line(called("ask", "--articles", str(folder), "x", data=data), 1)


def test_the_practice_country_needs_a_line(data: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    shutil.copytree(ROOT / "corpus", corpus)
    practice = corpus / "practice.toml"
    practice.write_text(practice.read_text().replace('country = "US"', 'country = "ZZ"'))
    said = one_line(called("serve", "--port", "0", data=data, HANDRAIL_CORPUS=str(corpus)), 1)
    assert "ZZ" in said
    assert "crisis_lines.toml" in said


def test_a_rule_without_examples_does_not_load(data: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    (mine / "en" / "rules").mkdir(parents=True)
    (mine / "en" / "rules" / "ours.toml").write_text('[[rule]]\nid = "ours"\nreason = "suicide"\nurgency = 3\n')
    assert "ours" in one_line(called("screen", "hello", data=data, HANDRAIL_EXTRA_CORPUS=str(mine)), 1)


# ── screen ──


def test_screen_says_what_fired_where_and_why(data: Path) -> None:
    done = called("screen", "I am going to kill myself tonight", data=data)
    assert done.returncode == 0, done.stderr
    assert "suicide" in done.stdout
    assert "kill myself" in done.stdout


def test_screen_jsonl(data: Path) -> None:
    lines = [
        {"id": "x", "text": "what is a synapse?"},
        {"id": "y", "turns": ["hello", "I want to kill myself", "just kidding"]},
        {"id": "z", "text": "this deadline is killing me"},
    ]
    for more in ((), ("--rules-only",), ("--country", "GB", "--language", "en")):
        done = called("screen", "--jsonl", *more, data=data, stdin="\n".join(map(json.dumps, lines)))
        assert done.returncode == 0, done.stderr
        out = [json.loads(line) for line in done.stdout.splitlines()]
        assert [o["id"] for o in out] == ["x", "y", "z"]
        assert all({"id", "route", "urgency", "reason", "rules", "per_turn"} <= set(o) for o in out)
        assert (out[0]["route"], out[0]["urgency"], out[0]["per_turn"]) == ("bot", 0, [0])
        assert out[1]["per_turn"][0] == 0
        assert min(out[1]["per_turn"][1:]) >= 3, "a retraction does not lower"
        assert (out[1]["urgency"], out[1]["reason"], out[1]["route"]) == (out[1]["per_turn"][-1], "suicide", "human")
        assert out[2]["urgency"] == 0


def test_screen_alone_starts_without_torch(data: Path) -> None:
    code = "import sys; sys.argv = ['handrail', 'screen', '--rules-only', 'hello']\nfrom bot.__main__ import main\ntry:\n main()\nexcept SystemExit: pass\nprint(sorted(m for m in sys.modules if m in {'torch', 'fastapi', 'sqlalchemy', 'sentence_transformers'}))"
    done = subprocess.run(
        [HANDRAIL[0], "-c", code], cwd=ROOT, env=environment(data), capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr


# ── check, index, keys, people ──


def test_check_proves_the_house(data: Path) -> None:
    done = handrail("check", "--json", data=data)
    rows = json.loads(done.stdout)
    assert done.returncode == 0, [r for r in rows if r["level"] == "fault"]
    assert {"rules", "crisis lines", "articles"} <= {r["about"] for r in rows}


def test_index_reports_each_file(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "good.md").write_text("# Rest\n\nRest is the time in which a body mends itself. It is no luxury.\n")
    (folder / "empty.txt").write_text("")
    done = called("index", "--articles", str(folder), data=data)
    assert done.returncode == 1, "a refused file is a fault that a script can see"
    assert "good.md" in done.stdout
    assert "empty.txt" in done.stdout
    assert "1 articles" in done.stdout


def test_keys_and_people_beside_a_running_server_and_without_one(make_server) -> None:  # type: ignore[no-untyped-def]
    one: Server = make_server()
    key = one.key("beside", "answers")
    asked = {"text": "what is neuroplasticity?"}
    with httpx.Client(base_url=one.url, headers={"Authorization": f"Bearer {key}"}) as http:
        assert http.post("/v1/answers", json=asked).status_code == 200
        assert http.get("/v1/handoffs").status_code == 403
        assert one.run("key", "revoke", "beside").returncode == 0
        assert http.post("/v1/answers", json=asked).status_code == 401
    assert stat.S_IMODE((one.data / "control.sock").stat().st_mode) == 0o600
    link = one.run("user", "add", "ada@practice.example", "--name", "Ada", "--role", "clinician").stdout
    assert "/console/welcome#" in link
    assert "ada@practice.example" in one.run("user", "list").stdout
    assert "ada@practice.example" in one.run("user", "disable", "ada@practice.example").stdout
    one.stop()
    assert one.run("key", "add", "alone", "--scopes", "handoffs,webhooks").stdout.startswith("hrk_")
    listed = one.run("key", "list").stdout
    assert "alone" in listed
    assert "revoked" in listed
    assert one.run("audit", "verify").returncode == 0


# ── serve, and what may stand in its way ──


def test_first_run_says_where_to_go_and_how_to_sign_in(make_server) -> None:  # type: ignore[no-untyped-def]
    one: Server = make_server()
    said = one.log()
    for path in ("/chat", "/console", "/docs", "/console/welcome#"):
        assert f"http://localhost:{one.port}{path}" in said


def test_a_port_in_use(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert str(port) in one_line(handrail("serve", "--port", str(port), data=data), 1)


def test_a_second_server_on_the_same_data_folder(server: Server) -> None:
    done = handrail("serve", "--port", str(free_port()), data=server.data)
    assert "another" in one_line(done, 1)
    assert httpx.get(server.url + "/readyz").status_code == 200


def test_a_wrong_secret_key_is_refused_and_changes_nothing(make_server, warm: Path) -> None:  # type: ignore[no-untyped-def]
    one: Server = make_server(HANDRAIL_SECRET_KEY="the first key, long enough to be one")
    one.stop()
    before = (one.data / "handrail.sqlite").read_bytes()
    done = handrail("serve", "--port", "0", data=one.data, HANDRAIL_SECRET_KEY="quite another key, just as long")
    assert "HANDRAIL_SECRET_KEY" in one_line(done, 1)
    assert (one.data / "handrail.sqlite").read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_data_folder(tmp_path: Path) -> None:
    folder = tmp_path / "sealed"
    folder.mkdir(mode=0o500)
    one_line(handrail("serve", "--port", "0", data=folder), 1)


def test_a_data_folder_that_cannot_be_one(tmp_path: Path) -> None:
    in_the_way = tmp_path / "data"
    in_the_way.write_text("a file")
    one_line(handrail("serve", "--port", "0", data=in_the_way), 1)


def test_sigterm_ends_it_with_a_stream_open(make_server) -> None:  # type: ignore[no-untyped-def]
    from cast import Visitor

    one: Server = make_server()
    visitor = Visitor(one.url)
    with visitor.http.stream("GET", visitor.path + "/events", timeout=30) as stream:
        assert stream.status_code == 200
        began = time.monotonic()
        one.stop(signal.SIGTERM)
        assert time.monotonic() - began < 19, "the grace period bounds the streams"


def test_serve_logs_no_request_by_default(make_server) -> None:  # type: ignore[no-untyped-def]
    one: Server = make_server(HANDRAIL_LOG_LEVEL="warning")
    httpx.get(one.url + "/healthz")
    assert "healthz" not in one.log()
