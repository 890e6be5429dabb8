"""The provider's own samples, as the arbiter between our client and the simulator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from app.payments.rails.mpesa.replies import Reply

FOLDER = Path(__file__).parents[2] / "data" / "mpesa"
_INDEX = json.loads((FOLDER / "index.json").read_text())


def text(name: str) -> str:
    return (FOLDER / name).read_text()


def body(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text(name))
    return found


def reply(name: str) -> Reply:
    """A sample answer with the HTTP status it came with."""
    return Reply(_INDEX[name]["http"], text(name))
