"""``python -m sandbox --port 8100 --data var/sandbox``: one process, many threads."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from pathlib import Path
from types import FrameType

from waitress.server import create_server  # type: ignore[import-untyped]

from sandbox import hanging
from sandbox.app import LARGEST_BODY, create_app
from sandbox.books import InUse

THREADS = 128
"""Each answer that is held back on purpose keeps a thread for up to two minutes; the others must not notice."""


def main() -> None:
    """Start, and stay until a signal ends it."""
    parser = argparse.ArgumentParser(prog="sandbox", description="Simulated providers, with a phone to look at.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--data", type=Path, default=Path("var/sandbox"), help="folder of the providers' books")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        app = create_app(given.data.resolve())
    except InUse as refused:
        sys.exit(str(refused))
    server = create_server(
        app,
        host=given.host,
        port=given.port,
        threads=THREADS,
        connection_limit=700,
        channel_timeout=120,
        asyncore_use_poll=True,
        max_request_body_size=LARGEST_BODY,
        ident=None,
    )
    print(f"Sandbox on http://{given.host}:{given.port}/", flush=True)  # noqa: T201 - this is a command
    server.run()


def _stop(number: int, frame: FrameType | None) -> None:
    """Let go of the answers that are held back, then end the server's loop."""
    hanging.let_go()
    sys.exit(0)


if __name__ == "__main__":
    main()
