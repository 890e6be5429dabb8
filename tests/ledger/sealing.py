"""The seal, implemented a second time from docs/ledger-seal.md alone: plain rows in, digests and hashes out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

NO_DAY_BEFORE = bytes(32)


def canonical(entry: dict[str, Any], lines: Iterable[Sequence[Any]]) -> str:
    """One entry as a JSON array without spaces; ``lines`` are (line, code, branch, member account, cents)."""
    return json.dumps(
        [
            entry["id"],
            entry["booked_on"],
            entry["value_on"],
            entry["relates_to_on"],
            entry["posted_at"],
            entry["cause_type"],
            entry["cause_id"],
            entry["description"],
            entry["actor_kind"],
            entry["actor_id"],
            entry["actor_channel"],
            entry["on_behalf_of"],
            entry["idempotency_key"],
            entry["reverses_id"],
            [list(line) for line in sorted(lines)],
        ],
        ensure_ascii=False,
        separators=(",", ":"),
    )


def digest(text: str) -> bytes:
    """The digest of an entry in canonical form."""
    return hashlib.sha256(text.encode("utf-8")).digest()


def day_hash(on: str, previous: bytes, digests: Sequence[bytes]) -> bytes:
    """The seal of a day: its digests in the order of entry ids, chained to the day before."""
    head = f"pamoja-day-1\n{on}\n{previous.hex()}\n{len(digests)}\n"
    return hashlib.sha256(head.encode() + b"".join(digests)).digest()
