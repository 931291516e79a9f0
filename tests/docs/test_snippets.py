"""The integration page runs: every sh and python block of it, in order, in one shell, against a real server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from cast import ROOT

PAGE = ROOT / "docs/integration.md"
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.M | re.S)


def blocks() -> list[tuple[str, str, int]]:
    text = PAGE.read_text(encoding="utf-8")
    return [(m[1], m[2], text[: m.start()].count("\n") + 1) for m in BLOCK.finditer(text)]


def test_every_snippet_runs(make_server: Any, tmp_path: Path) -> None:
    one = make_server(HANDRAIL_WEBHOOK_ALLOW_PRIVATE="true")
    key = one.key("integrator", "answers,handoffs,webhooks")
    script = ["set -euo pipefail"]
    for kind, text, line in blocks():
        script.append(f"echo '== line {line}' >&2")
        if kind == "python":
            (tmp_path / f"line_{line}.py").write_text(text)
            text = f"python line_{line}.py"
        script.append(text)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)], cwd=tmp_path, env=os.environ | {"BASE": one.url, "KEY": key, "PATH": path},
        capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stderr[-1500:]}\n{done.stdout[-500:]}"
    assert "\nqueue\nwaiting\n" in done.stdout
    assert '"type": "handoff.opened"' in done.stdout


def test_the_page_has_what_an_integrator_needs() -> None:
    kinds = [kind for kind, _, _ in blocks()]
    assert kinds.count("sh") >= 5
    assert kinds.count("python") >= 5
    text = PAGE.read_text(encoding="utf-8")
    for word in ("/v1/answers", "/v1/conversations", "/v1/handoffs", "/v1/webhooks", "/v1/events", "/v1/chat/completions", "/v1/channels/chatwoot"):
        assert word in text
