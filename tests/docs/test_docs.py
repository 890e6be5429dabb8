"""What is written for people is true: links lead somewhere, every setting and command is explained."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest

from config import Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
FLASKS_OWN = {"run", "shell", "routes", "db"}


def links(page: Path) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            yield target


def commands(group: click.Group, path: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if not path and name in FLASKS_OWN:
            continue
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page):
    broken = [target for target in links(page) if not (page.parent / target).exists()]

    assert broken == []


def test_every_setting_is_explained_to_operators():
    missing = [setting.name.upper() for setting in fields(Settings) if f"`{setting.name.upper()}`" not in OPERATIONS]

    assert missing == []


def test_every_command_is_explained_to_operators(app):
    missing = [command for command in commands(app.cli) if f"| `{command}" not in OPERATIONS]

    assert missing == []


def test_every_decision_is_in_the_list():
    folder = ROOT / "docs" / "decisions"
    listed = set(links(folder / "README.md"))

    assert listed == {page.name for page in folder.glob("0*.md")}
