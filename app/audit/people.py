"""Names for actors and subjects: audit keeps kind and id, and is told at start-up who knows what they are called."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from flask import Flask, current_app

Names = Callable[[Collection[str]], Mapping[str, str]]
Search = Callable[[str], Collection[str]]
Page = Callable[[str], str]
Known = tuple[str, str]  # kind and id

LONGEST_SHOWN = 12  # an id that the database made says nothing to people beyond its beginning


@dataclass(frozen=True, slots=True)
class Directory:
    """How those of one kind are named, found by what a person types, and where they are shown."""

    names: Names
    search: Search
    page: Page | None


def register(app: Flask, kind: str, *, names: Names, search: Search, page: Page | None = None) -> None:
    """Let audit name what is of this kind; called once, by ``create_app``."""
    app.extensions.setdefault("audit_directories", {})[kind] = Directory(names, search, page)


def names_of(known: Collection[Known]) -> dict[Known, str]:
    """What these are called; one that no directory knows is called by its id, or by the beginning of a long one."""
    found = {one: _short(one[1]) for one in known}
    for kind, directory in _directories().items():
        ids = [its_id for its_kind, its_id in known if its_kind == kind]
        if ids:
            found |= {(kind, its_id): name for its_id, name in directory.names(ids).items()}
    return found


def matching(text: str) -> list[Known]:
    """Whom or what a person may mean by ``text``."""
    return [(kind, its_id) for kind, directory in _directories().items() for its_id in directory.search(text)]


def page_of(one: Known) -> str | None:
    """The address at which it is shown, if it has a page of its own."""
    kind, its_id = one
    directory = _directories().get(kind)
    return directory.page(its_id) if directory and directory.page else None


def _short(its_id: str) -> str:
    return its_id if len(its_id) <= LONGEST_SHOWN else its_id[:LONGEST_SHOWN] + "…"


def _directories() -> dict[str, Directory]:
    directories: dict[str, Directory] = current_app.extensions.get("audit_directories", {})
    return directories
