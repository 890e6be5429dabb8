"""Who is told what becomes of files: the audit trail, which the kernel does not know and ``create_app`` names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

from app.kernel.actor import Actor

Witness = Callable[[str, UUID, Actor, Mapping[str, object]], None]

_witnesses: dict[str, Witness] = {}


def call(name: str, witness: Witness) -> None:
    """Have somebody told, in the transaction of what happens."""
    _witnesses[name] = witness


def tell(action: str, file_id: UUID, *, by: Actor, **facts: object) -> None:
    """Say that something happened to a file: ``files.stored``, ``files.deleted``."""
    for witness in _witnesses.values():
        witness(action, file_id, by, facts)
