"""The provider's stored samples, and how closely an answer of the sandbox resembles one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "data"


def sample(name: str, provider: str = "mpesa") -> Any:
    return json.loads((FOLDER / provider / name).read_text())


def shape(value: Any) -> Any:
    """The keys of a body and the kinds of its values; two bodies of one shape have the same fields."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return type(value).__name__


def same_error(answer: Any, name: str) -> bool:
    """Whether an HTTP answer is the error of a sample: status, code and text (the request id is its own)."""
    expected = sample(name)
    status = json.loads((FOLDER / "mpesa" / "index.json").read_text())[name]["http"]
    body = answer.json()
    assert shape(body) == shape(expected), body
    return (answer.status_code, body["errorCode"], body["errorMessage"]) == (
        status,
        expected["errorCode"],
        expected["errorMessage"],
    )
