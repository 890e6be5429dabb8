"""The seal of the trail, implemented a second time from docs/audit-seal.md alone: plain rows in, hashes out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

NO_DAY_BEFORE = bytes(32)
FIELDS = (
    "id", "filed_on", "at", "action", "subject_type", "subject_id", "actor_kind", "actor_id", "channel", "address",
    "on_behalf_of", "branch_id", "request_id",
)  # fmt: skip


def canonical(event: dict[str, Any]) -> str:
    """One row as a JSON array without spaces, but for the two objects at its end: PostgreSQL has its own way there."""
    plain = json.dumps([event[name] for name in FIELDS], ensure_ascii=False, separators=(",", ":"))
    return f"{plain[:-1]},{_object(event['before'])},{_object(event['after'])}]"


def digest(text: str) -> bytes:
    """The digest of a row in canonical form."""
    return hashlib.sha256(text.encode("utf-8")).digest()


def day_hash(on: str, previous: bytes, digests: Sequence[bytes]) -> bytes:
    """The seal of a day: its digests in the order of their ids, chained to the day before."""
    head = f"pamoja-audit-day-1\n{on}\n{previous.hex()}\n{len(digests)}\n"
    return hashlib.sha256(head.encode() + b"".join(digests)).digest()


def _object(value: Any) -> str:
    return json.dumps(_sorted(value), ensure_ascii=False, separators=(", ", ": "))


def _sorted(value: Any) -> Any:
    """Names in the order of jsonb: the shorter first, in bytes, then byte by byte."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: (len(name.encode()), name.encode()))
        return {name: _sorted(value[name]) for name in names}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
