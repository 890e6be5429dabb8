"""Who may reach which address, as a table that people read and tests walk: access_matrix.csv.

A row says what is meant; it is written by hand and not read off the program. A new address without a row fails
the tests, which print the row that the program's declarations would give: check it against what is meant, then add it.

``open``    everybody, signed in or not           ``sign-in``  sent to the sign-in page
``token``   refused without an API token          ``no``       is refused
``yes``     may, with everybody's records         ``branch``   may, with those of the own branch
``own``     may, with those of members looked after, and with what is a person's own
``room``    the room asks who it is: whoever asked for it, or is to decide (tests of that room show it)

Beyond its reach a role is told that there is no such record. What is the same for every branch (a product, a role) and
what names no record is ``yes`` for all who hold the permission, whatever its reach; a list is narrowed by it.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from flask import Flask
from werkzeug.routing import Rule
from werkzeug.routing.converters import AnyConverter, IntegerConverter, UUIDConverter

from app.api.access import Scoped
from app.api.document.views import Readers
from app.identity import queries
from app.identity.rights import Right
from app.kernel.reach import Reach
from app.web.access import Public, Staff, declared

FILE = Path(__file__).parent / "access_matrix.csv"
ROLES = ("administrator", "manager", "officer", "teller", "accountant", "auditor", "agent")
COMMON = frozenset(
    {"product_id", "tariff_id", "role_code", "branch_code", "command_name", "text_name", "language", "kind", "step"}
)
"""Arguments that name what is the same for every branch, or no record at all."""
NOBODY_HAS_THIS = UUID("00000000-0000-7000-8000-000000000000")


@dataclass(frozen=True, slots=True)
class Row:
    """One address and method, and what is meant for whom."""

    method: str
    rule: str
    anonymous: str
    roles: dict[str, str]

    @property
    def key(self) -> tuple[str, str]:
        return self.method, self.rule

    def as_line(self) -> str:
        return ",".join([self.method, self.rule, self.anonymous, *(self.roles[role] for role in ROLES)])


def meant() -> list[Row]:
    """The table."""
    with FILE.open(newline="") as file:
        return [
            Row(line["method"], line["rule"], line["anonymous"], {role: line[role] for role in ROLES})
            for line in csv.DictReader(file)
        ]


def addresses(app: Flask) -> dict[tuple[str, str], Rule]:
    """Every method of every address that the program knows."""
    return {
        (method, name_of(rule)): rule
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def name_of(rule: Rule) -> str:
    """The rule as the table names it: without the bounds of its parts, ``<int(max=9):id>`` is ``<int:id>``."""
    return re.sub(r"<(\w+)\([^)]*\):", r"<\1:", rule.rule)


def address_of(app: Flask, rule: Rule) -> str:
    """An address that fits the rule and shows nothing of anybody."""
    values = {name: _sample(rule, name) for name in rule.arguments}
    return app.url_map.bind("localhost").build(rule.endpoint, values)


def as_declared(app: Flask, method: str, rule: Rule) -> Row:
    """The row that the program's own declarations give."""
    declaration = declared(app.view_functions[rule.endpoint])
    if isinstance(declaration, Public | Readers):  # the sandbox shows everybody what the API is
        return Row(method, name_of(rule), "open", dict.fromkeys(ROLES, "open"))
    assert isinstance(declaration, Staff | Scoped)
    scoped = isinstance(declaration, Scoped)
    held = {role.code: role.rights for role in queries.roles()}
    may = {role: _cell(rule, declaration.permission, held[role]) for role in ROLES}
    return Row(method, name_of(rule), "token" if scoped else "sign-in", may)


def _cell(rule: Rule, permission: str | None, held: dict[str, Right]) -> str:
    if permission is not None and permission not in held:
        return "no"
    records = {name for name in rule.arguments if name not in COMMON}
    if permission is None:
        return "own" if records else "yes"
    if rule.arguments and not records:
        return "yes"
    reach = held[permission].reach
    return "yes" if reach is Reach.SOCIETY else reach.value


def _sample(rule: Rule, name: str) -> object:
    converter = rule._converters[name]
    if isinstance(converter, UUIDConverter):
        return NOBODY_HAS_THIS
    if isinstance(converter, IntegerConverter):
        return 999_999_999
    if isinstance(converter, AnyConverter):
        return sorted(converter.items)[0]
    return "x"
