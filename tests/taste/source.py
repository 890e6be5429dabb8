"""The project's own text, as the checks of taste read it."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXCEPTION = "# taste:"
"""What a line carries that breaks a rule on purpose, followed by the reason."""


@dataclass(frozen=True, slots=True)
class Module:
    """One file of Python."""

    path: str
    lines: tuple[str, ...]
    tree: ast.Module

    def excuses(self, node: ast.AST) -> bool:
        """True where the line itself says why it breaks a rule."""
        line = getattr(node, "lineno", 0)
        return EXCEPTION in self.lines[line - 1]


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """Every file of Python below these folders, or these files themselves."""
    found = []
    for path in listed(".py"):
        if path.startswith(tuple(f"{folder}/" for folder in folders)) or path in folders:
            text = (ROOT / path).read_text()
            found.append(Module(path, tuple(text.splitlines()), ast.parse(text)))
    return tuple(found)


@cache
def templates() -> tuple[str, ...]:
    """The path of every template."""
    return tuple(path for path in listed(".html") if path.startswith("templates/"))


def calls(module: Module) -> Iterator[tuple[str, ast.Call]]:
    """Each call with its name as written: ``datetime.now``, ``float``."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def places_of(pattern: str, *folders: str) -> set[str]:
    """Where something is called whose name matches, as ``path:line``; excused lines are left out."""
    matches = re.compile(pattern).fullmatch
    return {
        f"{module.path}:{call.lineno}"
        for module in modules(*folders)
        for name, call in calls(module)
        if matches(name) and not module.excuses(call)
    }


def imports_of(name: str, *folders: str) -> set[str]:
    """Where a package is imported, as ``path:line``."""
    found = set()
    for module in modules(*folders):
        for node in ast.walk(module.tree):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            if any(one.split(".")[0] == name for one in names) and not module.excuses(node):
                found.add(f"{module.path}:{node.lineno}")
    return found


@cache
def listed(ending: str) -> tuple[str, ...]:
    """Files that are, or are about to be, in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return tuple(sorted(path for path in set(listed) if path.endswith(ending) and (ROOT / path).exists()))
