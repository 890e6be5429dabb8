"""For each part of an address that names a record: one that is really there."""

from __future__ import annotations

from uuid import UUID

import psycopg
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.routing.converters import AnyConverter, IntegerConverter, UUIDConverter

FROM_THE_DATABASE = {
    "member_id": "SELECT id FROM member ORDER BY number LIMIT 1",
    "member_number": "SELECT number FROM member ORDER BY number LIMIT 1",
    "staff_id": "SELECT id FROM staff WHERE username = 'officer'",
    "account_id": "SELECT id FROM savings_account ORDER BY id LIMIT 1",
    "account_number": "SELECT number FROM savings_account ORDER BY id LIMIT 1",
    "product_id": "SELECT id FROM savings_product ORDER BY code LIMIT 1",
    "entry_id": "SELECT id FROM ledger.entry ORDER BY id LIMIT 1",
    "branch_code": "SELECT code FROM ledger.branch ORDER BY id LIMIT 1",
    "role_code": "SELECT code FROM role WHERE code = 'teller'",
    "payment_id": "SELECT id FROM payment ORDER BY id LIMIT 1",
    "approval_id": "SELECT id FROM approval ORDER BY id LIMIT 1",
    "subscription_id": "SELECT id FROM webhook_subscription ORDER BY id LIMIT 1",
    "delivery_id": "SELECT id FROM webhook_delivery ORDER BY id LIMIT 1",
    "message_id": "SELECT id FROM sms_message ORDER BY id LIMIT 1",
}
NOBODY = UUID("00000000-0000-7000-8000-000000000000")


def address(app: Flask, rule: Rule, connection: psycopg.Connection[tuple[object, ...]]) -> str:
    """An address of this rule about records that are there, as far as there are any."""
    values = {name: _sample(rule, name, connection) for name in rule.arguments}
    return app.url_map.bind("localhost").build(rule.endpoint, values)


def _sample(rule: Rule, name: str, connection: psycopg.Connection[tuple[object, ...]]) -> object:
    query = FROM_THE_DATABASE.get(name)
    row = connection.execute(query).fetchone() if query else None  # type: ignore[arg-type]  # texts of ours
    if row is not None:
        return row[0]
    converter = rule._converters[name]
    if isinstance(converter, UUIDConverter):
        return NOBODY
    if isinstance(converter, IntegerConverter):
        return 999_999_999
    if isinstance(converter, AnyConverter):
        return sorted(converter.items)[0]
    return "x"
