"""What the rail keeps: its settings, every prompt, every receipt, its tokens, and what it was asked to do."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import (
    EncryptedJson,
    EncryptedPhone,
    EncryptedText,
    Instant,
    MoneyCents,
    db,
    labelled,
    uuid_key,
)
from app.kernel.enums import LabelledEnum
from app.kernel.leases import Leased
from app.kernel.money import Money
from app.kernel.phones import Phone


class C2BResponse(LabelledEnum):
    """What M-PESA does with a payment when our validation does not answer in time."""

    COMPLETED = "Completed", "Take the payment"
    CANCELLED = "Cancelled", "Turn the payment away"


class C2BVersion(LabelledEnum):
    """How M-PESA shows us the payer's number."""

    V1 = "v1", "Version 1: a hash of the number"
    V2 = "v2", "Version 2: part of the number"


class ValidationPolicy(LabelledEnum):
    """What we answer when M-PESA asks before it takes a paybill payment."""

    ACCEPT_ALL = "accept_all", "Take every payment; unknown numbers go to suspense"
    KNOWN_ACCOUNTS = "known_accounts", "Turn away payments to unknown account numbers"


class MpesaConfiguration(db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """How one paybill is reached. What is empty here comes from the environment; what is here wins.

    An earlier paybill keeps its row, so that its open prompts can still be asked about.
    """

    __tablename__ = "mpesa_configuration"
    __table_args__ = (
        Index("uq_mpesa_configuration_current", "is_current", unique=True, postgresql_where=text("is_current")),
    )

    id: Mapped[UUID] = uuid_key()
    shortcode: Mapped[str] = mapped_column(unique=True)
    is_current: Mapped[bool] = mapped_column(default=True)
    till_number: Mapped[str | None]
    api_url: Mapped[str | None]
    callback_url: Mapped[str | None]
    consumer_key: Mapped[str | None] = mapped_column("consumer_key_encrypted", EncryptedText)
    consumer_secret: Mapped[str | None] = mapped_column("consumer_secret_encrypted", EncryptedText)
    passkey: Mapped[str | None] = mapped_column("passkey_encrypted", EncryptedText)
    initiator: Mapped[str | None]
    security_credential: Mapped[str | None] = mapped_column("security_credential_encrypted", EncryptedText)
    security_credential_at: Mapped[datetime | None] = mapped_column(Instant)
    response_type: Mapped[C2BResponse] = mapped_column(labelled(C2BResponse, "response_type"))
    c2b_version: Mapped[C2BVersion] = mapped_column(labelled(C2BVersion, "c2b_version"))
    validation: Mapped[ValidationPolicy] = mapped_column(labelled(ValidationPolicy, "validation"))
    pull_phone: Mapped[Phone | None] = mapped_column("pull_phone_encrypted", EncryptedPhone)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    version: Mapped[int] = mapped_column(default=1, server_default="1")


class MpesaLimit(db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """What one transaction may carry, from a day on. Safaricom and the Central Bank change it; the board does not."""

    __tablename__ = "mpesa_limit"
    __table_args__ = (CheckConstraint("0 < minimum_cents AND minimum_cents <= maximum_cents", name="order"),)

    starts_on: Mapped[date] = mapped_column(primary_key=True)
    minimum: Mapped[Money] = mapped_column("minimum_cents", MoneyCents)
    maximum: Mapped[Money] = mapped_column("maximum_cents", MoneyCents)
    source: Mapped[str]


class STKPushRequest(db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """One prompt on one phone: what we asked, what M-PESA acknowledged, and what it said became of it."""

    __tablename__ = "stk_push_request"
    __table_args__ = (
        Index("ix_stk_push_request_match", "shortcode", "account_reference", "amount_cents", "created_at"),
    )

    id: Mapped[UUID] = uuid_key()
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payment.id"), unique=True)
    shortcode: Mapped[str]
    phone: Mapped[Phone] = mapped_column("phone_encrypted", EncryptedPhone)
    amount: Mapped[Money] = mapped_column("amount_cents", MoneyCents)
    account_reference: Mapped[str]
    description: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(Instant)
    merchant_request_id: Mapped[str | None]
    # It contains the payer's number: encrypted, and found by its keyed hash.
    checkout_request_id: Mapped[str | None] = mapped_column("checkout_request_id_encrypted", EncryptedText)
    checkout_request_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    request: Mapped[Any | None] = mapped_column("request_encrypted", EncryptedJson)  # without its password
    acknowledgement: Mapped[str | None] = mapped_column("acknowledgement_encrypted", EncryptedText)
    acknowledged_at: Mapped[datetime | None] = mapped_column(Instant)
    query_answer: Mapped[str | None] = mapped_column("query_answer_encrypted", EncryptedText)
    queried_at: Mapped[datetime | None] = mapped_column(Instant)
    queries: Mapped[int] = mapped_column(default=0, server_default="0")
    result_code: Mapped[str | None]
    result_description: Mapped[str | None]
    result_at: Mapped[datetime | None] = mapped_column(Instant)
    hinted_at: Mapped[datetime | None] = mapped_column(Instant)  # when the open callback address last spoke of it


class TransactionChannel(LabelledEnum):
    """How we learned of a receipt."""

    CALLBACK = "callback", "Prompt's callback"
    CONFIRMATION = "confirmation", "Paybill confirmation"
    PULL = "pull", "Pulled from M-PESA"


class MpesaTransaction(db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """One receipt number of M-PESA: all we know of that money, whichever ways we learned of it."""

    __tablename__ = "mpesa_transaction"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        Index("ix_mpesa_transaction_payment_id", "payment_id"),
        Index("ix_mpesa_transaction_paid_at", "paid_at"),
        Index("ix_mpesa_transaction_payer_hash", "payer_hash"),
    )

    id: Mapped[UUID] = uuid_key()
    receipt_number: Mapped[str] = mapped_column(unique=True)
    shortcode: Mapped[str]
    amount: Mapped[Money] = mapped_column("amount_cents", MoneyCents)
    paid_at: Mapped[datetime] = mapped_column(Instant)
    payer_seen: Mapped[str] = mapped_column("payer_seen_encrypted", EncryptedText)  # clear, hashed or masked, as given
    payer_hash: Mapped[bytes | None] = mapped_column(LargeBinary)  # of the number, or of M-PESA's own hash of it
    payer_name: Mapped[str | None] = mapped_column("payer_name_encrypted", EncryptedText)
    account_text: Mapped[str] = mapped_column("account_text_encrypted", EncryptedText)
    first_channel: Mapped[TransactionChannel] = mapped_column(labelled(TransactionChannel, "first_channel"))
    channels: Mapped[list[str]] = mapped_column(ARRAY(Text))
    seen_at: Mapped[datetime] = mapped_column(Instant)
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment.id"))
    differs: Mapped[str | None]  # two channels disagree about this receipt: what, for a person to look at


class C2BTransaction(db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """One paybill confirmation, beside the receipt it speaks of."""

    __tablename__ = "c2b_transaction"

    id: Mapped[UUID] = uuid_key()
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("mpesa_transaction.id"), unique=True)
    callback_id: Mapped[UUID] = mapped_column(ForeignKey("payment_callback.id"))
    transaction_type: Mapped[str]
    third_party_id: Mapped[str]
    balance_after: Mapped[Money | None] = mapped_column("balance_after_cents", MoneyCents)
    confirmed_at: Mapped[datetime] = mapped_column(Instant)


class MpesaToken(Leased, db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """The access token of one consumer key in one environment; ``due_at`` is when it wants refreshing."""

    __tablename__ = "mpesa_token"

    key_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    token: Mapped[str | None] = mapped_column("token_encrypted", EncryptedText)
    good_until: Mapped[datetime | None] = mapped_column(Instant)
    fetched_at: Mapped[datetime | None] = mapped_column(Instant)
    fetches: Mapped[int] = mapped_column(default=0, server_default="0")
    trouble: Mapped[str | None]  # why the last fetch brought none, in plain words


class ErrandKind(LabelledEnum):
    """What an administrator can ask M-PESA."""

    CONNECTION_TEST = "connection_test", "Test connection"
    C2B_REGISTER = "c2b_register", "Register paybill addresses"
    PULL_REGISTER = "pull_register", "Register for pulled receipts"

    @property
    def hint(self) -> str:
        """What it does, for whoever has not asked for it yet."""
        return {
            ErrandKind.CONNECTION_TEST: "Nobody's phone rings.",
            ErrandKind.C2B_REGISTER: "Payments to the paybill are then announced to us. Safaricom takes this once.",
            ErrandKind.PULL_REGISTER: "Receipts that nobody told us of can then be found.",
        }[self]


class ErrandState(LabelledEnum):
    """How far it got."""

    WAITING = "waiting", "Waiting"
    DONE = "done", "Done"
    REFUSED = "refused", "Refused"
    UNANSWERED = "unanswered", "No answer"

    @property
    def is_closed(self) -> bool:
        return self is not ErrandState.WAITING


class MpesaErrand(Leased, db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """Something that was asked of M-PESA once, by a person or a program, and is done by a job."""

    __tablename__ = "mpesa_errand"
    __table_args__ = (
        Index("ix_mpesa_errand_kind_asked_at", "kind", "asked_at"),
        Index("ix_mpesa_errand_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )

    id: Mapped[UUID] = uuid_key()
    kind: Mapped[ErrandKind] = mapped_column(labelled(ErrandKind, "kind"))
    state: Mapped[ErrandState] = mapped_column(labelled(ErrandState, "state"))
    shortcode: Mapped[str]
    response_type: Mapped[str | None]
    asked_at: Mapped[datetime] = mapped_column(Instant)
    asked_by: Mapped[dict[str, Any]] = mapped_column(JSONB)
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    answered_at: Mapped[datetime | None] = mapped_column(Instant)
    detail: Mapped[str] = mapped_column(default="", server_default="")


class MpesaPull(Leased, db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """How far the receipts of one paybill have been pulled, and when they are wanted next."""

    __tablename__ = "mpesa_pull"
    __table_args__ = (Index("ix_mpesa_pull_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),)

    shortcode: Mapped[str] = mapped_column(primary_key=True)
    wanted_since: Mapped[datetime | None] = mapped_column(Instant)  # what the next pull is to read
    reading_since: Mapped[datetime | None] = mapped_column(Instant)  # what the pull that is running, or died, reads
    complete_until: Mapped[datetime | None] = mapped_column(Instant)  # everything before is known
    pulled_at: Mapped[datetime | None] = mapped_column(Instant)
    detail: Mapped[str] = mapped_column(default="", server_default="")
