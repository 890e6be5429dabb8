"""``python -m sandbox --port 8100 --data var/sandbox``: one server process with many threads."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # gunicorn has no types

from sandbox.app import create_app

THREADS = 128
"""Each answer that is held back on purpose keeps a thread for up to two minutes; the others must not notice."""


class Server(BaseApplication):
    """Gunicorn with one worker, since the engine that does what is due lives in the worker."""

    def __init__(self, address: str, folder: Path) -> None:
        self._options: dict[str, Any] = {
            "bind": address,
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "worker_connections": 1000,
            "keepalive": 75,
            "graceful_timeout": 2,
            "loglevel": "warning",
            "control_socket_disable": True,
        }
        self._folder = folder
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return create_app(self._folder)


def main() -> None:
    """Start, and stay until a signal ends it."""
    parser = argparse.ArgumentParser(
        prog="sandbox", description="Simulated payment and messaging providers, with a phone."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--data", type=Path, default=Path("var/sandbox"), help="folder of the providers' books")
    given = parser.parse_args()
    print(f"Sandbox on http://{given.host}:{given.port}/", flush=True)  # noqa: T201 - this is a command
    Server(f"{given.host}:{given.port}", given.data.resolve()).run()


if __name__ == "__main__":
    main()
