"""The sandbox as a process of its own on a free port, started, killed and started again."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests

from tests.sandbox.daraja import Daraja

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Sandbox:
    """One running sandbox with its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        self._log = (self.folder.parent / f"{self.folder.name}.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--port", str(self.port), "--data", str(self.folder)],
            cwd=ROOT,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        give_up = time.monotonic() + 15
        while time.monotonic() < give_up:
            try:
                requests.get(f"{self.url}/control/settings", timeout=2)
            except requests.ConnectionError:
                assert self.process.poll() is None, "the sandbox did not start"
                time.sleep(0.05)
            else:
                return
        raise AssertionError("the sandbox does not answer")

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(with_signal)
        code = self.process.wait(15)
        self._log.close()
        return code

    def control(self, method: str, path: str, body: Any = None, *, expect: int = 200) -> Any:
        answer = requests.request(method, f"{self.url}/control{path}", json=body, timeout=15)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    def settings(self, **changes: Any) -> None:
        self.control("PUT", "/settings", changes)

    def fault(self, fault: str, **more: Any) -> int:
        wish = {"provider": "daraja", "fault": fault, **more}
        number: int = self.control("POST", "/faults", wish, expect=201)["id"]
        return number

    def answer(self, phone: str, action: str = "pin") -> Any:
        return self.control("POST", f"/phones/{phone}/answer", {"action": action})

    def phone(self, phone: str, **changes: Any) -> Any:
        return self.control("PUT", f"/phones/{phone}", changes)

    def statement(self, **query: str) -> list[dict[str, Any]]:
        asked = "&".join(f"{name}={value}" for name, value in {"provider": "daraja", **query}.items())
        lines: list[dict[str, Any]] = self.control("GET", f"/statement?{asked}")["lines"]
        return lines

    def lines_of(self, phone: str) -> list[dict[str, Any]]:
        return [line for line in self.statement() if line["phone"] == phone]

    def answered(self, subject: str, count: int) -> list[dict[str, Any]]:
        """The callbacks about something, once that many have been answered."""
        give_up = time.monotonic() + 10
        while True:
            callbacks: list[dict[str, Any]] = self.control("GET", f"/callbacks?subject={subject}")["callbacks"]
            if sum(callback["state"] == "answered" for callback in callbacks) >= count:
                return callbacks
            assert time.monotonic() < give_up, callbacks
            time.sleep(0.05)

    def daraja(self, *, timeout: float = 10) -> Daraja:
        return Daraja(self.control("GET", "/credentials")["daraja"], timeout=timeout)
