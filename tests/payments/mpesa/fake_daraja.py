"""A Daraja of a few lines for what the simulator does not do: broken bytes, counted tokens, silence.

It speaks real HTTP on a free port of this machine. What it answers is scripted by the test.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Script = Callable[["Asked"], "Said"]


class Asked:
    """One request as it came over the wire."""

    def __init__(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        self.method, self.path, self.headers, self.raw = method, path, headers, body

    @property
    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.raw)
        return found

    @property
    def bearer(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")


class Said:
    """One answer: a status and a text, or None to hang up without a word."""

    def __init__(self, status: int | None, text: str = "", headers: dict[str, str] | None = None) -> None:
        self.status, self.text, self.headers = status, text, headers or {}

    @classmethod
    def json(cls, body: object, status: int = 200) -> Said:
        return cls(status, json.dumps(body))


class FakeDaraja:
    """Answers by its script and remembers what it was asked."""

    def __init__(self, script: Script) -> None:
        self.asked: list[Asked] = []
        self.script = script
        self.lock = threading.Lock()
        self.url = ""

    def answer(self, asked: Asked) -> Said:
        with self.lock:
            self.asked.append(asked)
        return self.script(asked)

    def times(self, part: str) -> int:
        return sum(part in asked.path for asked in self.asked)


@contextmanager
def fake_daraja(script: Script) -> Iterator[FakeDaraja]:
    fake = FakeDaraja(script)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            asked = Asked(self.command, self.path, dict(self.headers), self.rfile.read(length))
            said = fake.answer(asked)
            self.close_connection = True
            if said.status is None:
                return
            body = said.text.encode()
            self.send_response(said.status)
            for name, value in {"Content-Length": str(len(body)), "Connection": "close", **said.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _serve  # noqa: N815 - names of the standard library

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
