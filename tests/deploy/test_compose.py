"""The compose file and the Dockerfile, held as far as can be without an engine."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from cast import ROOT, Server, copy_warm, free_port

# What the Compose specification allows at each level; a key that is not here is a mistake that an engine would refuse.
TOP = {"name", "services", "networks", "volumes", "secrets", "configs", "include"}
SERVICE = {
    "annotations", "attach", "blkio_config", "build", "cap_add", "cap_drop", "cgroup", "cgroup_parent", "command", "configs",
    "container_name", "cpu_count", "cpus", "cpuset", "depends_on", "deploy", "develop", "devices", "dns", "dns_opt", "dns_search",
    "domainname", "entrypoint", "env_file", "environment", "expose", "extends", "external_links", "extra_hosts", "gpus", "group_add",
    "healthcheck", "hostname", "image", "init", "ipc", "isolation", "labels", "links", "logging", "mac_address", "mem_limit",
    "mem_reservation", "mem_swappiness", "memswap_limit", "network_mode", "networks", "oom_kill_disable", "oom_score_adj", "pid",
    "pids_limit", "platform", "ports", "post_start", "pre_stop", "privileged", "profiles", "pull_policy", "read_only", "restart",
    "runtime", "scale", "secrets", "security_opt", "shm_size", "stdin_open", "stop_grace_period", "stop_signal", "storage_opt",
    "sysctls", "tmpfs", "tty", "ulimits", "user", "userns_mode", "uts", "volumes", "volumes_from", "working_dir",
}  # fmt: skip
HEALTH = {"test", "interval", "timeout", "retries", "start_period", "start_interval", "disable"}
DEPLOY = {"mode", "endpoint_mode", "replicas", "labels", "rollback_config", "update_config", "resources", "restart_policy", "placement"}
VOLUME = {"type", "source", "target", "read_only", "bind", "volume", "tmpfs", "image", "consistency"}
DURATION = re.compile(r"^(\d+(ms|s|m|h))+$")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")


def test_no_unknown_key(compose: dict[str, Any]) -> None:
    assert set(compose) <= TOP
    for name, service in compose["services"].items():
        assert set(service) <= SERVICE, name
        assert ("image" in service) != ("build" in service), name
        assert set(service.get("healthcheck", {})) <= HEALTH, name
        assert set(service.get("deploy", {})) <= DEPLOY, name
        for volume in service.get("volumes", []):
            assert isinstance(volume, str) or set(volume) <= VOLUME, name
        for when in ("interval", "timeout", "start_period"):
            assert DURATION.match(service.get("healthcheck", {}).get(when, "1s")), name


def test_what_is_named_is_declared(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert set(service.get("networks", [])) <= set(compose["networks"]), name
        assert set(service.get("secrets", [])) <= set(compose["secrets"]), name
        for other, wanted in service.get("depends_on", {}).items():
            target = compose["services"][other]
            checked = "healthcheck" in target or "build" in target  # our own image brings its own
            assert wanted["condition"] != "service_healthy" or checked, f"{name} waits for {other}, which nobody checks"
        for volume in service.get("volumes", []):
            if isinstance(volume, str):
                source = volume.split(":")[0]
                assert source in compose["volumes"] or (ROOT / source).exists(), volume


def test_secrets_are_files_and_nothing_more_is_open_than_must_be(compose: dict[str, Any]) -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert all(set(secret) == {"file"} for secret in compose["secrets"].values())
    for name, service in compose["services"].items():
        for setting, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|DATABASE_URL", setting):
                assert setting.endswith("_FILE"), f"{name}: {setting} holds a secret in the open"
                assert str(value).startswith("/run/secrets/"), name
        limits = service["deploy"]["resources"]["limits"]
        assert {"cpus", "memory"} <= set(limits), name
        assert service["restart"] == "unless-stopped"
        assert not service.get("privileged"), name
    app, database = compose["services"]["app"], compose["services"]["database"]
    assert app["read_only"]
    assert app["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in app["security_opt"]
    assert app["deploy"]["replicas"] >= 2
    assert "ports" not in app, "the application is reached through the proxy alone"
    assert "ports" not in database
    assert compose["networks"][database["networks"][0]]["internal"] is True
    assert "docker.sock" not in text


def test_every_handrail_setting_in_it_exists(compose: dict[str, Any]) -> None:
    from bot.settings import Settings

    known = {f"HANDRAIL_{name.upper()}" for name in Settings.model_fields}
    used = [name for name in compose["services"]["app"]["environment"] if name.startswith("HANDRAIL_")]
    assert used
    assert {name.removesuffix("_FILE") for name in used} <= known


def test_streams_pass_the_proxy_unbuffered() -> None:
    text = (ROOT / "deploy/Caddyfile").read_text(encoding="utf-8")
    assert "flush_interval -1" in text
    assert "not header Content-Type text/event-stream" in text
    assert re.search(r"dynamic a app 8000", text)


# ── the image ──


def test_the_image_is_not_roots(dockerfile: str) -> None:
    steps = re.findall(r"^([A-Z]+) (.*)$", dockerfile, re.M)
    users = [rest for step, rest in steps if step == "USER"]
    assert users, "the image runs as root"
    assert users[-1] not in {"root", "0"}
    after = [step for step, _ in steps[[s for s, _ in steps].index("USER") :]]
    assert not {"RUN", "COPY", "ADD"} & set(after), "a step after USER would need its rights"
    assert "STOPSIGNAL SIGTERM" in dockerfile
    assert not re.search(r"\buv\b (pip|sync|run)", dockerfile)


def test_every_file_that_it_copies_is_there(dockerfile: str) -> None:
    for line in re.findall(r"^COPY (?!--from)(.*)$", dockerfile, re.M):
        *sources, _ = line.split()
        for source in sources:
            assert (ROOT / source).exists(), source


def test_the_user_is_made_as_the_step_says(dockerfile: str, tmp_path: Path) -> None:
    step = next(line for line in re.findall(r"^RUN (.*)$", dockerfile, re.M) if "useradd" in line)
    assert re.search(r"--uid (\d{4,})", step)
    syntax = subprocess.run(["sh", "-n", "-c", step], capture_output=True, text=True)
    assert syntax.returncode == 0, syntax.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)],
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-1500:]
    return next(folder.glob("handrail-*.whl"))


def test_the_wheel_brings_corpus_and_pages(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    ours = subprocess.run(["git", "ls-files", "corpus", "web"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    rooms = ours or [str(p.relative_to(ROOT)) for room in ("corpus", "web") for p in (ROOT / room).rglob("*.*")]
    missing = [path for path in rooms if (ROOT / path).is_file() and f"bot/_data/{path}" not in names]
    assert not missing, missing
    assert len(rooms) > 50
    assert not [n for n in names if n.startswith(("tests/", "data/", "docs/"))]
    assert any(n.endswith("bot/stores/migrations/versions/0001_first.py") for n in names)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The wheel in a fresh environment; what it depends on comes from this one, which holds it as a checkout only."""
    folder = tmp_path_factory.mktemp("fresh")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=120)
    target = next((folder / "lib").glob("python3*")) / "site-packages"
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", str(target), str(wheel)],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-1000:]
    here = next(p for p in sys.path if p.endswith("site-packages"))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HANDRAIL_", "PYTHON"))}
    return kept | {"PYTHONPATH": f"{target}:{here}", "FRESH": str(folder / "bin" / "python")}


def fresh(installed: dict[str, str], folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = installed | {"HANDRAIL_DATA": str(folder / "data")}
    return subprocess.run([installed["FRESH"], *words], cwd=folder, env=env, capture_output=True, text=True, timeout=200)


def test_it_runs_from_any_folder(installed: dict[str, str], tmp_path: Path) -> None:
    where = fresh(installed, tmp_path, "-c", "import bot, bot.settings as s; print(bot.__file__); print(s.shipped('corpus'), s.shipped('web'))")
    assert where.returncode == 0, where.stderr
    assert str(ROOT) not in where.stdout, where.stdout
    assert where.stdout.count("bot/_data") == 2
    helped = fresh(installed, tmp_path, "-m", "bot", "--help")
    assert helped.returncode == 0, helped.stderr
    assert "serve" in helped.stdout
    screened = fresh(installed, tmp_path, "-m", "bot", "screen", "--rules-only", "I want to kill myself")
    assert screened.returncode == 0, screened.stderr
    assert "suicide" in screened.stdout


def test_the_health_check_tells_a_server_that_is_up_from_one_that_is_not(
    installed: dict[str, str], dockerfile: str, warm: Path, tmp_path: Path
) -> None:
    """The installed wheel serves, and the Dockerfile's own command looks at it."""
    found = re.search(r"^HEALTHCHECK .*?CMD (\[.*\])$", dockerfile, re.M)
    assert found
    command = json.loads(found[1])
    data = tmp_path / "data"
    data.mkdir()
    one = Server(copy_warm(warm, data), free_port())
    asks = [installed["FRESH"], *(word.replace(":8000", f":{one.port}") for word in command[1:])]
    assert command[0] == "python"
    assert subprocess.run(asks, capture_output=True, timeout=60).returncode != 0, "nobody is up yet"
    log = (data / "server.log").open("a")
    env = installed | {"HANDRAIL_DATA": str(data)}
    one.process = subprocess.Popen(
        [installed["FRESH"], "-m", "bot", "serve", "--port", str(one.port)], cwd=tmp_path, env=env, stdout=log, stderr=log, text=True
    )
    try:
        for _ in range(600):
            if one.process.poll() is not None or subprocess.run(asks, capture_output=True, timeout=60).returncode == 0:
                break
        assert one.process.poll() is None, one.log()[-1500:]
        assert subprocess.run(asks, capture_output=True, timeout=60).returncode == 0
        assert stat.S_IMODE((data / "secret.key").stat().st_mode) == 0o600
    finally:
        one.stop()
