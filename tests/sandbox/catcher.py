"""The organisation's side in these tests: a server that writes down every callback it gets."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Caught:
    """One callback as it came in."""

    path: str
    text: str
    content_type: str
    port: int  # of the caller: tells connections apart
    at: float

    @property
    def json(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.text)
        return body

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.text))

    @property
    def result_code(self) -> Any:
        return self.json["Body"]["stkCallback"]["ResultCode"]


class Catcher:
    """Answers every callback as it is told to, and remembers all of them."""

    def __init__(self) -> None:
        self.caught: list[Caught] = []
        self.answers: dict[str, Callable[[], tuple[int, str]]] = {}
        self._wanted: Callable[[Caught], bool] = lambda caught: True
        self._news = threading.Condition()
        catcher = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                text = self.rfile.read(int(self.headers["Content-Length"])).decode()
                catcher._note(
                    Caught(self.path, text, self.headers["Content-Type"], self.client_address[1], time.monotonic())
                )
                status, answer = catcher.answers.get(
                    self.path, lambda: (200, '{"ResultCode":0,"ResultDesc":"Accepted"}')
                )()
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer.encode())

            def log_message(self, *args: object) -> None:
                """Silence."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 64
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """A caller that lost its patience is not our mistake."""

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def wait(self, count: int = 1, *, path: str | None = None, seconds: float = 15) -> list[Caught]:
        """The callbacks once there are that many; fails if they do not come."""
        with self._news:
            came = self._news.wait_for(lambda: len(self.at(path)) >= count, seconds)
        assert came, f"{len(self.at(path))} callbacks instead of {count}: {self.caught}"
        return self.at(path)

    def at(self, path: str | None) -> list[Caught]:
        return [caught for caught in self.caught if path in (None, caught.path)]

    def stays_at(self, count: int, *, path: str | None = None, seconds: float = 0.6) -> None:
        """Nothing more comes in a while."""
        time.sleep(seconds)
        assert len(self.at(path)) == count, self.at(path)

    def only(self, wanted: Callable[[Caught], bool]) -> None:
        """Remember only some of what comes in."""
        self._wanted = wanted

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _note(self, caught: Caught) -> None:
        with self._news:
            if self._wanted(caught):
                self.caught.append(caught)
            self._news.notify_all()
