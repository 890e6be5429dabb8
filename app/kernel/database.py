"""One PostgreSQL, one metadata, and the column types that keep money exact and personal data unreadable."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, DateTime, Dialect, Enum, LargeBinary, MetaData, Text, func, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry
from sqlalchemy.types import TypeDecorator

from app.kernel import encryption
from app.kernel.enums import LabelledEnum
from app.kernel.money import Money
from app.kernel.phones import Phone

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

LOCK_TIMEOUT_MS = 10_000  # a person does not wait longer for a row that somebody else holds
STATEMENT_TIMEOUT_MS = 30_000  # nothing a page or a job asks for takes longer; batch work sets its own


class Base(DeclarativeBase):
    """What all tables share."""

    # Flask-SQLAlchemy makes a base of its own from this one, so both are told through the registry they share.
    registry = registry(
        metadata=MetaData(naming_convention=NAMES),
        type_annotation_map={str: Text, datetime: DateTime(timezone=True)},
    )


db = SQLAlchemy(model_class=Base, session_options={"autoflush": True})

ENGINE_OPTIONS: dict[str, Any] = {
    "pool_pre_ping": True,  # a restarted PostgreSQL costs one connection, not one request
    "pool_recycle": 300,
    "hide_parameters": True,  # a statement that fails is logged, and its values are names and dates of birth
    "connect_args": {
        "connect_timeout": 5,
        # PgBouncer in transaction mode cannot follow prepared statements of a session.
        "prepare_threshold": None,
        "options": f"-c lock_timeout={LOCK_TIMEOUT_MS} -c statement_timeout={STATEMENT_TIMEOUT_MS} -c timezone=UTC",
    },
}

Instant = DateTime(timezone=True)


class MoneyCents(TypeDecorator[Money]):
    """A BIGINT of cents, seen as Money."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Money | None, dialect: Dialect) -> int | None:
        return None if value is None else value.cents

    def process_result_value(self, value: int | None, dialect: Dialect) -> Money | None:
        return None if value is None else Money(int(value))  # a sum of BIGINT comes back as numeric


class EncryptedText(TypeDecorator[str]):
    """Text that only this application can read; never searched, see `encryption.keyed_hash`."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else encryption.encrypt(value.encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else encryption.decrypt(value).decode()


class EncryptedPhone(TypeDecorator[Phone]):
    """A phone that only this application can read."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Phone | None, dialect: Dialect) -> bytes | None:
        return None if value is None else encryption.encrypt(value.msisdn.encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Phone | None:
        return None if value is None else Phone(encryption.decrypt(value).decode())


class EncryptedJson(TypeDecorator[Any]):
    """JSON that only this application can read."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        return None if value is None else encryption.encrypt(json.dumps(value).encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(encryption.decrypt(value))


EnumType = TypeVar("EnumType", bound=LabelledEnum)


def labelled(kind: type[EnumType], name: str) -> Enum:
    """A text column that a CHECK (``ck_<table>_<name>``) holds to the values of ``kind``."""
    return Enum(
        kind,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=40,
        values_callable=lambda members: [member.value for member in members],
    )


def uuid_key() -> Mapped[UUID]:
    """A primary key that the database makes, in order of time."""
    return mapped_column(primary_key=True, server_default=func.uuidv7())


def created_at() -> Mapped[datetime]:
    """When the row was written, by the database's clock: for people and for order, never for a decision."""
    return mapped_column(Instant, server_default=text("clock_timestamp()"))


__all__ = [
    "EncryptedJson",
    "EncryptedPhone",
    "EncryptedText",
    "Instant",
    "MoneyCents",
    "Text",
    "created_at",
    "db",
    "labelled",
    "uuid_key",
]
