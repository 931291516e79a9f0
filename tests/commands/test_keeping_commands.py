"""handrail backup, restore, erase, audit: the round trip as an operator makes it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from cast import HANDRAIL, ROOT, Visitor, copy_warm, environment


def handrail(data: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*HANDRAIL, *words], cwd=ROOT, env=environment(data, **settings), capture_output=True, text=True, timeout=120)


def test_a_backup_made_while_it_runs_is_restored_somewhere_else(make_server: Any, warm: Path, tmp_path: Path) -> None:
    one = make_server()
    kept, gone = Visitor(one.url), Visitor(one.url)
    kept.say("what is exposure therapy?")
    gone.say("please forget this again")
    file = tmp_path / "backup.sqlite"
    made = one.run("backup", str(file))
    assert made.returncode == 0, made.stderr
    assert file.stat().st_size > 10_000
    assert b"exposure therapy" not in file.read_bytes(), "bodies are sealed in the backup too"
    kept.say("this comes after the backup")
    before = kept.messages()

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    refused = handrail(elsewhere, "restore", str(file))
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1, "one line"
    assert "secret" in refused.stderr
    copy_warm(warm, elsewhere)
    shutil.copy(one.data / "secret.key", elsewhere / "secret.key")
    restored = handrail(elsewhere, "restore", str(file))
    assert restored.returncode == 0, restored.stderr
    verified = handrail(elsewhere, "audit", "verify")
    assert verified.returncode == 0, verified.stderr

    running = one.run("restore", str(file))
    assert running.returncode == 1, "beside a running server nothing is put in its place"
    one.stop()
    one.data = elsewhere
    one.start()
    found = kept.messages()
    assert found == before[: len(found)]
    assert [m["text"] for m in found if m["author"] == "visitor"] == ["what is exposure therapy?"]
    assert kept.say("and it goes on")["message"]["seq"] == found[-1]["seq"] + 1

    erased = one.run("erase", gone.id)
    assert erased.returncode == 0, erased.stderr
    assert gone.http.get(gone.path + "/messages").status_code in {401, 404}


def test_a_cut_backup_and_one_under_another_key_change_nothing(make_server: Any, tmp_path: Path) -> None:
    one = make_server()
    Visitor(one.url).say("what is exposure therapy?")
    file, short = tmp_path / "backup.sqlite", tmp_path / "short.sqlite"
    assert one.run("backup", str(file)).returncode == 0
    short.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    for given, settings in ((short, {}), (file, {"HANDRAIL_SECRET_KEY": "another key, of other people, long"}), (tmp_path / "nothing", {})):
        place = tmp_path / f"place-{given.name}-{len(settings)}"
        place.mkdir()
        shutil.copy(one.data / "secret.key", place / "secret.key")
        refused = handrail(place, "restore", str(given), **settings)
        assert refused.returncode in {1, 2}, given
        assert "Traceback" not in refused.stderr
        assert not list(place.glob("*.sqlite")), "nothing was put in place"
