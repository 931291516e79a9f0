"""What an operator copies out of the documents works: settings that exist, commands that are there, a proxy that takes its file."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from cast import ROOT, called
from cluster import nginx

from bot.__main__ import app
from bot.settings import Settings

PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
HOSTING = (ROOT / "docs/self-hosting.md").read_text(encoding="utf-8")


def block(language: str, containing: str) -> str:
    (found,) = [b for b in re.findall(rf"^```{language}\n(.*?)^```$", HOSTING, re.M | re.S) if containing in b]
    return str(found)


def commands(group: typer.Typer, before: str = "") -> set[str]:
    names = {f"{before}{c.name}" for c in group.registered_commands}
    for inner in group.registered_groups:
        assert inner.typer_instance and inner.name
        names |= {f"{before}{inner.name}"} | commands(inner.typer_instance, f"{before}{inner.name} ")
    return names


def test_every_setting_named_in_a_document_exists() -> None:
    known = {f"HANDRAIL_{name.upper()}" for name in Settings.model_fields}
    elsewhere = {"HANDRAIL_HOST", "HANDRAIL_TORTURE", "HANDRAIL_RECORD", "HANDRAIL_TEST_ARTICLES"}  # the compose file's own, and the tests'
    for page in PAGES:
        named = set(re.findall(r"\bHANDRAIL_[A-Z_]+[A-Z]\b", page.read_text(encoding="utf-8")))
        unknown = {name for name in named if name not in known | elsewhere and name.removesuffix("_FILE") not in known}
        assert not unknown, f"{page.name}: {sorted(unknown)}"


def test_every_command_named_in_a_document_is_there() -> None:
    there = commands(app)
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        said = re.findall(r"(?:`|\$ |bin/|&& |^)handrail ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?", text, re.M)
        gone = {" ".join(filter(None, words)) for words in said if words[0] not in there}
        groups = {name.split()[0] for name in there if " " in name}
        gone |= {" ".join(words) for words in said if words[0] in groups and words[1] and " ".join(words) not in there}
        assert not gone, f"{page.name}: {sorted(gone)}"


def test_the_settings_of_the_page_are_taken(warm: Path, tmp_path: Path) -> None:
    """The env file as it stands, with the paths of this test: what `handrail settings` then says is in force."""
    given = dict(line.split("=", 1) for line in block("ini", "HANDRAIL_DATA=").split())
    (tmp_path / "smtp").write_text("smtp://user:secret@mail.practice.example\n")
    (tmp_path / "articles").mkdir()
    given |= {"HANDRAIL_SMTP_URL_FILE": str(tmp_path / "smtp"), "HANDRAIL_ARTICLES": str(tmp_path / "articles")}
    given |= {"HANDRAIL_PRACTICE": str(ROOT / "corpus/practice.toml")}
    del given["HANDRAIL_DATA"]
    shown = called("settings", data=tmp_path, **given)
    assert shown.returncode == 0, shown.stderr
    for name, value in given.items():
        if not name.endswith("_FILE"):
            row = next(line for line in shown.stdout.splitlines() if line.startswith(f"{name} "))
            assert value.casefold() in row.casefold(), row
    assert "secret@" not in shown.stdout


def test_the_command_of_the_page_means_the_server_of_the_page(tmp_path: Path) -> None:
    """As it stands, but for where things lie and who runs it."""
    (tmp_path / "env").write_text(f"HANDRAIL_DATA={tmp_path}/data\nHANDRAIL_PROXIES=3\n")
    text = block("sh", "runuser").replace("/etc/handrail.env", str(tmp_path / "env"))
    assert "runuser -u handrail -- /opt/handrail/.venv/bin/handrail" in text
    text = text.replace("runuser -u handrail -- /opt/handrail/.venv/bin/handrail", f"{sys.executable} -m bot")
    (tmp_path / "handrail").write_text(text)
    done = subprocess.run(["sh", str(tmp_path / "handrail"), "settings"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert re.search(rf"^HANDRAIL_DATA +{tmp_path}/data ", done.stdout, re.M), done.stdout
    assert re.search(r"^HANDRAIL_PROXIES +3 ", done.stdout, re.M)


def test_what_the_unit_may_write_is_where_the_page_writes() -> None:
    unit = block("ini", "[Service]")
    (allowed,) = re.findall(r"^ReadWritePaths=(.*)$", unit, re.M)
    assert "ProtectSystem=strict" in unit
    written = re.findall(r"^handrail backup (\S+)", HOSTING, re.M)
    assert len(written) >= 2
    for path in (*written, block("ini", "HANDRAIL_DATA=").split("HANDRAIL_DATA=")[1].split()[0]):
        assert path.startswith(tuple(allowed.split())), f"{path}: the server may not write there"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_takes_the_pages_unit(tmp_path: Path) -> None:
    unit = tmp_path / "handrail.service"
    unit.write_text(block("ini", "[Service]").replace("/opt/handrail/.venv/bin/handrail", sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60)
    about = [line for line in done.stderr.splitlines() if "handrail.service" in line]
    assert not about, about
    assert done.returncode == 0, done.stderr


def test_nginx_takes_the_pages_file(tmp_path: Path) -> None:
    try:
        binary = nginx()
    except SystemExit as missing:
        pytest.skip(str(missing))
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=chat.practice.example"]
    subprocess.run([*make, "-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "pem")], check=True, capture_output=True)
    site, outside, inside = re.findall(r"^```nginx\n(.*?)^```$", HOSTING, re.M | re.S)
    assert not re.search(r"/(messages|handoff|events)", inside), "a proxy cannot tell words of risk from others"
    text = outside + site.rstrip().removesuffix("}") + inside + "}\n"
    text = text.replace("/etc/ssl/chat.pem", str(tmp_path / "pem")).replace("/etc/ssl/chat.key", str(tmp_path / "key"))
    text = text.replace("listen 443", "listen 127.0.0.1:44300")
    whole = f"pid {tmp_path}/pid; error_log {tmp_path}/log; events {{}}\nhttp {{ access_log off; {text} }}\n"
    (tmp_path / "conf").write_text(whole)
    done = subprocess.run([binary, "-t", "-p", str(tmp_path), "-c", str(tmp_path / "conf")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "proxy_buffering off" in text
