"""docs/data.md: whoever adds a column that says something about a person says of which class it is."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import LargeBinary, Text

from app.kernel.database import EncryptedJson, EncryptedPhone, EncryptedText, db

TABLE = (Path(__file__).resolve().parents[2] / "docs/data.md").read_text()
TELLING = re.compile(
    r"(^|_)(first|middle|last|search)_name$|phone|national|kra|mail|^address$|born|gender|employer|payer|browser"
    r"|password|secret|(^|_)pin(_|$)|token_hash|code_hash|key_hash|number_hash|payer_hash"
)
CLEAR_BY_INTENT = {
    ("society", "phone"), ("society", "email"),  # of the society, as its papers show them
    ("webhook_subscription", "old_secret_until"),  # an instant
}  # fmt: skip
ENCRYPTED = (EncryptedText, EncryptedPhone, EncryptedJson)


def named() -> dict[tuple[str, str], str]:
    found = {}
    for table, columns, kind in re.findall(r"^\| `(\w+)` \| (`.*?`) \| (\w+) \|$", TABLE, flags=re.MULTILINE):
        for column in re.findall(r"`(\w+)`", columns):
            found[table, column] = kind
    return found


def test_every_telling_column_has_a_class() -> None:
    telling = {
        (table.name, column.name)
        for table in db.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, ENCRYPTED)
        or (TELLING.search(column.name) and isinstance(column.type, Text | LargeBinary))
    }

    assert sorted(telling - named().keys() - CLEAR_BY_INTENT) == []


def test_what_is_named_exists() -> None:
    known = {(table.name, column.name) for table in db.metadata.sorted_tables for column in table.columns}

    assert sorted(named().keys() - known) == []


def test_secret_and_sensitive_columns_are_unreadable_in_the_database() -> None:
    columns = {(table.name, column.name): column for table in db.metadata.sorted_tables for column in table.columns}
    clear = [
        key
        for key, kind in named().items()
        if kind in ("secret", "sensitive") and not isinstance(columns[key].type, (*ENCRYPTED, LargeBinary))
    ]

    # argon2id's own text form: salt and parameters stand beside the hash.
    assert sorted(clear) == [("member_pin", "pin_hash"), ("staff", "password_hash")]


def test_there_is_no_room_for_a_card() -> None:
    """PCI DSS: what is not stored cannot be stolen."""
    card = re.compile(r"(^|_)(pan|cvv|cvc|card|expiry)(_|$)")

    assert [c.name for t in db.metadata.sorted_tables for c in t.columns if card.search(c.name)] == []
