"""Each step of the Dockerfile, carried out in a scratch folder; and the compose file against the specification's own schema.

What is not done here, since there is no engine: the base images (FROM), and the two downloads from an index, whose packages are
gigabytes. Of those the installer resolves each requirement against this environment, and our own package is built and installed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from cast import ROOT

TOOL = str(Path(sys.executable).parent / "check-jsonschema")


def steps() -> list[tuple[str, str]]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return re.findall(r"^([A-Z]+) +(.*)$", text, re.M)


class Scratch:
    """A folder that plays the image's root. Every absolute path of a step becomes one inside it."""

    def __init__(self, root: Path) -> None:
        self.root, self.at = root, root
        self.env = {"PATH": os.environ["PATH"], "HOME": str(root)}
        self.left_out: list[str] = []

    def inside(self, text: str) -> str:
        return re.sub(r"(?<![\w./:@])/(opt|data|src)\b", lambda m: f"{self.root}/{m[1]}", text)

    def shell(self, command: str) -> None:
        done = subprocess.run(["sh", "-ec", command], cwd=self.at, env=self.env, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, f"{command}\n{done.stderr[-1500:]}"


def carry_out(step: str, words: str, scratch: Scratch) -> None:
    match step:
        case "FROM":
            scratch.left_out.append(f"FROM {words}")
        case "WORKDIR":
            scratch.at = Path(scratch.inside(words))
            scratch.at.mkdir(parents=True)
        case "ENV":
            for name, value in re.findall(r"(\w+)=(\S+)", scratch.inside(words)):
                scratch.env[name] = value.replace("$PATH", scratch.env["PATH"])
        case "COPY" if words.startswith("--from="):
            source, target = scratch.inside(words.split(" ", 1)[1]).split()
            assert Path(source).is_dir(), words
            assert Path(target) == Path(source), "an environment does not move: its scripts name its place"
        case "COPY":
            *sources, target = words.split()
            for source in sources:
                found = ROOT / source
                assert found.exists(), source
                if found.is_dir():
                    shutil.copytree(found, scratch.at / target, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(found, scratch.at / target)
        case "RUN" if words.startswith("pip install torch"):
            asked = words.split()[2]
            scratch.shell(f"{sys.executable} -m pip install --dry-run --no-index --quiet {asked}")  # this environment has that one
            scratch.left_out.append(f"RUN {words}")
        case "RUN" if words == "pip install .":
            here = f"{sys.executable} -m pip --python {scratch.root}/opt/handrail/bin/python"
            scratch.env |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
            scratch.shell(f"{sys.executable} -m pip wheel --no-deps --no-build-isolation --quiet --wheel-dir {scratch.root}/wheel .")
            scratch.shell(f"{here} install --no-deps --no-index --quiet {scratch.root}/wheel/*.whl")
            # All that the wheel asks for goes together: this environment is such a set, whole.
            scratch.shell(f"{sys.executable} -m pip install --dry-run --no-index --quiet {scratch.root}/wheel/*.whl")
            scratch.left_out.append("RUN pip install . : what it depends on")
        case "RUN" if "useradd" in words:
            make, *rest = (part.strip() for part in words.split("&&"))
            if os.geteuid() == 0 and shutil.which("useradd"):
                for name in ("passwd", "group", "shadow", "gshadow"):
                    (scratch.root / "etc").mkdir(exist_ok=True)
                    (scratch.root / "etc" / name).touch()
                scratch.shell(f"{make.replace('useradd', f'useradd --prefix {scratch.root}')}")
                assert ":10001:" in (scratch.root / "etc" / "passwd").read_text()
            for part in rest:
                scratch.shell(scratch.inside(part).replace("chown handrail", "chown 10001" if os.geteuid() == 0 else "true"))
        case "RUN":
            scratch.shell(scratch.inside(words))
        case "HEALTHCHECK":
            command = json.loads(words[words.index("[") :])
            compile(command[2], "healthcheck", "exec")
        case "CMD":
            name, *rest = json.loads(words)
            assert rest[0] == "serve"
            # what it depends on stands in this environment
            env = scratch.env | {"PYTHONPATH": next(p for p in sys.path if p.endswith("site-packages"))}
            done = subprocess.run([name, "serve", "--help"], cwd=scratch.root, env=env, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stderr[-1000:]
            assert "--port" in done.stdout
            where = f"{scratch.root}/opt/handrail"
            python = ["python", "-c", "import bot; print(bot.__file__)"]
            found = subprocess.run(python, cwd=scratch.root, env=env, capture_output=True, text=True, timeout=60)
            assert found.stdout.startswith(where), found.stdout + found.stderr
        case "USER" | "VOLUME" | "EXPOSE" | "STOPSIGNAL":
            pass  # what they say is held by tests/deploy/test_compose.py
        case _:
            raise AssertionError(f"nobody tries {step} {words}")


@pytest.mark.slow
def test_every_step_is_carried_out_or_named(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path)
    for step, words in steps():
        carry_out(step, words, scratch)
    assert [left.split(" ")[0] for left in scratch.left_out] == ["FROM", "RUN", "RUN", "FROM"], scratch.left_out
    assert (tmp_path / "data").is_dir()
    if os.geteuid() == 0:
        assert (tmp_path / "data").stat().st_uid == 10001


def test_the_torch_that_it_installs_is_the_one_that_the_package_asks_for() -> None:
    (wanted,) = re.findall(r"pip install (torch==\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    assert f'"{wanted}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def checked(file: Path) -> subprocess.CompletedProcess[str]:
    words = [TOOL, "--builtin-schema", "vendor.compose-spec", str(file)]
    return subprocess.run(words, capture_output=True, text=True, timeout=60)


def test_the_compose_file_is_valid_by_the_specifications_schema(tmp_path: Path) -> None:
    done = checked(ROOT / "docker-compose.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    wrong = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    wrong["services"]["app"]["depends_on"]["database"]["condition"] = "healthy"
    (tmp_path / "wrong.yml").write_text(yaml.safe_dump(wrong))
    assert checked(tmp_path / "wrong.yml").returncode != 0
