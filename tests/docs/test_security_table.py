"""docs/security.md: each row of the checklist is met and shown by tests that exist, or says why it does not apply."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from config import SANDBOX_RELAXATIONS

ROOT = Path(__file__).resolve().parents[2]
TABLE = (ROOT / "docs/security.md").read_text()
ROWS = 150
NO_SUCH_ROW = {98}
NAMED = sorted(set(re.findall(r"`([\w/]+)::([\w*]+)`", TABLE)))


def lines() -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in TABLE.splitlines()
        if re.match(r"\| C\d", line)
    ]


def rows_of(cell: str) -> set[int]:
    return {int(number) for number in re.findall(r"C(\d+)", cell)}


def test_no_row_of_the_checklist_is_forgotten() -> None:
    said = set().union(*(rows_of(line[0]) for line in lines()))

    assert sorted(set(range(1, ROWS + 1)) - NO_SUCH_ROW - said) == []
    assert said <= set(range(1, ROWS + 1)) - NO_SUCH_ROW


def test_no_row_is_answered_twice() -> None:
    said = [row for line in lines() for row in rows_of(line[0])]

    assert sorted(said) == sorted(set(said))


def test_what_is_met_is_shown() -> None:
    unshown = [line[0] for line in lines() if len(line) == 3 and "::" not in line[2]]

    assert unshown == []


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_test_that_is_named_exists(file: str, name: str) -> None:
    path = ROOT / "tests" / f"{file}.py"

    assert path.exists()
    tests = {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}
    assert any(one.startswith("test_") for one in tests) if name == "*" else f"test_{name}" in tests


def test_the_sandbox_relaxes_rows_that_the_table_knows() -> None:
    relaxed = set().union(*(rows_of(rows) for rows in SANDBOX_RELAXATIONS))

    assert relaxed <= set().union(*(rows_of(line[0]) for line in lines()))
