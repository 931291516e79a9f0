"""Chatwoot as an agent bot meets it: its API's three calls with their answers, and its webhook with Chatwoot's own shapes."""

from __future__ import annotations

import itertools
import json
import re
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

PATH = re.compile(r"^/api/v1/accounts/(\d+)/conversations/(\d+)/(messages|toggle_status|toggle_priority)$")


class Chatwoot:
    """One account with one inbox that the bot answers. Refuses what the real one refuses: a wrong token, a wrong shape."""

    def __init__(self, token: str, account: int = 1) -> None:
        self.token, self.account, self.hook = token, account, ""
        self.talks: dict[int, dict[str, Any]] = {}
        self.broken: list[int] = []  # statuses to answer with, before it works again
        self.hooked: list[httpx.Response] = []
        self._ids, self._lock = itertools.count(1), threading.Lock()
        standin = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                status, answer = standin.called(self.path, self.headers.get("api_access_token", ""), body)
                said = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def called(self, path: str, token: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        found = PATH.match(path)
        if found is None or int(found[2]) not in self.talks or int(found[1]) != self.account:
            return 404, {"error": "Resource could not be found"}
        if token != self.token:
            return 401, {"error": "Invalid Access Token"}
        with self._lock:
            if self.broken:
                return self.broken.pop(0), {"error": "try later"}
            talk = self.talks[int(found[2])]
            if found[3] == "toggle_status":
                if body.get("status") not in {"open", "resolved", "pending", "snoozed"}:
                    return 422, {"error": "status"}
                talk["status"] = body["status"]
                return 200, {"payload": {"success": True, "current_status": talk["status"], "conversation_id": talk["id"]}}
            if found[3] == "toggle_priority":
                if body.get("priority") not in {"urgent", "high", "medium", "low", None}:
                    return 422, {"error": "priority"}
                talk["priority"] = body["priority"]
                return 200, {}
            if body.get("message_type") not in {"outgoing", "incoming"} or not isinstance(body.get("content"), str):
                return 422, {"error": "content"}
            message = {"id": next(self._ids), **body, "sender": {"type": "agent_bot", "name": "Handrail"}}
            talk["messages"].append(message)
        threading.Thread(target=self._hook, args=(talk, message), daemon=True).start()  # the real one echoes it to the bot
        return 200, message

    def open(self, number: int) -> dict[str, Any]:
        self.talks[number] = {"id": number, "status": "pending", "priority": None, "assignee": None, "messages": []}
        return self.talks[number]

    def _conversation(self, talk: dict[str, Any]) -> dict[str, Any]:
        meta = {"assignee": talk["assignee"], "sender": {"id": 9, "name": "misty-river-12", "type": "contact"}, "hmac_verified": False}
        return {"id": talk["id"], "status": talk["status"], "inbox_id": 3, "channel": "Channel::WebWidget", "meta": meta, "priority": talk["priority"]}

    def _hook(self, talk: dict[str, Any], message: dict[str, Any]) -> httpx.Response:
        body = {
            "event": "message_created", "id": message["id"], "content": message.get("content"), "content_type": "text",
            "message_type": message["message_type"], "private": message.get("private", False),
            "sender": message["sender"], "account": {"id": self.account, "name": "Practice"}, "inbox": {"id": 3},
            "conversation": self._conversation(talk), "created_at": "2025-01-01T00:00:00.000Z",
            **({"attachments": message["attachments"]} if message.get("attachments") else {}),
        }  # fmt: skip
        answer = httpx.post(self.hook, json=body, timeout=30)
        self.hooked.append(answer)
        return answer

    def visitor_says(self, number: int, text: str | None, **more: Any) -> tuple[httpx.Response, dict[str, Any]]:
        talk = self.talks.get(number) or self.open(number)
        message = {"id": next(self._ids), "content": text, "message_type": "incoming", "sender": {"id": 9, "type": "contact"}, **more}
        talk["messages"].append(message)
        return self._hook(talk, message), message

    def again(self, number: int, message: dict[str, Any]) -> httpx.Response:
        return self._hook(self.talks[number], message)

    def agent_says(self, number: int, name: str, text: str) -> httpx.Response:
        talk = self.talks[number]
        talk["assignee"], talk["status"] = {"id": 4, "name": name, "type": "user"}, "open"
        message = {"id": next(self._ids), "content": text, "message_type": "outgoing", "sender": {"id": 4, "type": "user", "name": name}}
        talk["messages"].append(message)
        return self._hook(talk, message)

    def status(self, number: int, status: str) -> httpx.Response:
        """A person sets it; Chatwoot calls the bot with the conversation itself."""
        talk = self.talks[number]
        talk["status"] = status
        event = {"resolved": "conversation_resolved", "open": "conversation_opened"}.get(status, "conversation_status_changed")
        body = {"event": event, **self._conversation(talk), "account_id": self.account}
        return httpx.post(self.hook, json=body, timeout=30)

    def shown(self, number: int) -> list[str]:
        """What the visitor reads of the bot's."""
        return [m["content"] for m in self.talks[number]["messages"] if m["sender"]["type"] == "agent_bot" and not m.get("private")]

    def notes(self, number: int) -> list[str]:
        return [m["content"] for m in self.talks[number]["messages"] if m.get("private")]


def until(seen: Callable[[], Any], seconds: float = 30) -> Any:
    end = time.monotonic() + seconds
    while not (found := seen()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)
    return found
