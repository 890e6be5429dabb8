"""A stand-in for ClamAV's daemon: real sockets, its words (``zINSTREAM``, ``zPING``), and the ways in which it fails.

Written from clamd(8): a session command ends in NUL; INSTREAM is followed by pieces, each after its length in four
bytes, and ends with a length of nothing; the answer is ``stream: OK`` or ``stream: <name> FOUND``, ended by NUL.
"""

from __future__ import annotations

import socketserver
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.kernel.specimens import EICAR


class Clamd(socketserver.ThreadingTCPServer):
    """Listens on a port of its own; ``mood`` says how it answers."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.mood = "well"
        self.scanned: list[bytes] = []

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.server_address[1]}"


class _Talk(socketserver.BaseRequestHandler):
    server: Clamd

    def handle(self) -> None:
        command = self._until_nul()
        if command == b"zPING":
            self._say(b"PONG")
        elif command == b"zINSTREAM":
            self._scan()
        else:
            self._say(b"UNKNOWN COMMAND")

    def _scan(self) -> None:
        mood = self.server.mood
        if mood == "hangs up":
            return
        content = self._content()
        self.server.scanned.append(content)
        match mood:
            case "silent":
                time.sleep(1.5)
            case "nonsense":
                self._say(b"HTTP/1.1 400 Bad Request")
            case "too large":
                self._say(b"INSTREAM size limit exceeded. ERROR")
            case "cut off":
                self.request.sendall(b"stream: O")
            case "endless":
                self.request.sendall(b"stream: " + b"A" * 100_000)
            case "two verdicts":
                self._say(b"stream: OK\nstream: Eicar FOUND")
            case _:
                self._say(b"stream: Eicar-Test-Signature FOUND" if EICAR in content else b"stream: OK")

    def _content(self) -> bytes:
        content = b""
        while length := struct.unpack(">I", self._exactly(4))[0]:
            content += self._exactly(length)
        return content

    def _until_nul(self) -> bytes:
        said = b""
        while (letter := self._exactly(1)) != b"\0":
            said += letter
        return said

    def _exactly(self, count: int) -> bytes:
        got = b""
        while len(got) < count:
            piece = self.request.recv(count - len(got))
            if not piece:
                raise ConnectionError
            got += piece
        return got

    def _say(self, words: bytes) -> None:
        self.request.sendall(words + b"\0")


@contextmanager
def running_clamd() -> Iterator[Clamd]:
    """One daemon, for as long as a test takes."""
    with Clamd() as daemon:
        daemon.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that leaves is no news
        thread = threading.Thread(target=daemon.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield daemon
        daemon.shutdown()
        thread.join()
