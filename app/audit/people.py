"""Names for actors: audit knows only their kind and id, and is told at start-up who can say what they are called."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from flask import Flask, current_app

Names = Callable[[Collection[str]], Mapping[str, str]]
Search = Callable[[str], Collection[str]]


@dataclass(frozen=True, slots=True)
class Directory:
    """How actors of one kind are named, and how their ids are found by what a person types."""

    names: Names
    search: Search


def register(app: Flask, kind: str, *, names: Names, search: Search) -> None:
    """Let audit name actors of this kind; called once, by ``create_app``."""
    app.extensions.setdefault("audit_directories", {})[kind] = Directory(names, search)


def names_of(actors: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """What the actors (kind, id) are called; one whose kind has no directory is called by its id."""
    found = {actor: actor[1] for actor in actors}
    for kind, directory in _directories().items():
        ids = [actor_id for actor_kind, actor_id in actors if actor_kind == kind]
        if ids:
            found |= {(kind, actor_id): name for actor_id, name in directory.names(ids).items()}
    return found


def matching(text: str) -> list[tuple[str, str]]:
    """Actors (kind, id) whom a person may mean by ``text``."""
    return [(kind, actor_id) for kind, directory in _directories().items() for actor_id in directory.search(text)]


def _directories() -> dict[str, Directory]:
    directories: dict[str, Directory] = current_app.extensions.get("audit_directories", {})
    return directories
