"""Two branches with one of everything each, for tests of who reaches what: *near*, *own* (looked after), *far*.

``Side.records`` holds, by the argument of an address that names it, each record of a side. An argument that nobody has
put there fails the walk in words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from tempfile import TemporaryFile
from uuid import UUID

from flask import Flask
from sqlalchemy import select

from app.api.webhooks import service as webhooks
from app.api.webhooks.schemas import NewSubscription
from app.approvals.models import Delegation
from app.identity import queries as identity
from app.identity.models import Staff
from app.identity.scopes import SCOPES
from app.identity.service import sessions, tokens
from app.kernel import clock, files
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.phones import Phone
from app.kernel.transactions import in_transaction
from app.ledger import queries as ledger
from app.members.documents import service as documents
from app.members.documents.models import DocumentKind, MemberDocument
from app.members.models import Member
from app.payments import queries as payments
from app.payments.models import Payment
from app.savings import queries as savings
from tests.approvals import probe
from tests.fees import examples as fees
from tests.harness.people import hire
from tests.harness.texts import latest, sms_is_on
from tests.kernel import specimens
from tests.members import examples as register
from tests.payments.mpesa.conftest import receipt
from tests.payments.test_receipts import money, receive
from tests.savings import examples as accounts

BY = Actor.system("tests")
PEOPLE = {
    "own": {"first_name": "Nashipae", "last_name": "Oloiptip", "phone": "0712000101", "national_id": "31310131"},
    "near": {"first_name": "Muthoni", "last_name": "Karangutha", "phone": "0712000202", "national_id": "32320232"},
    "far": {"first_name": "Zawadi", "last_name": "Mwambingu", "phone": "0712000303", "national_id": "33330333"},
}


@dataclass(frozen=True, slots=True)
class Side:
    """What belongs to one of them."""

    name: str
    branch_id: int
    member_id: UUID
    account_id: int
    records: dict[str, object] = field(default_factory=dict)  # by the argument that names it
    marks: tuple[str, ...] = ()  # words and numbers that tell of its member


@dataclass(frozen=True, slots=True)
class Town:
    """Everything, and who is at each side."""

    sides: dict[str, Side]
    common: dict[str, object]  # what is the same for every branch

    def record(self, side: str, argument: str) -> object:
        """What an argument names at a side."""
        return self.sides[side].records.get(argument, self.common.get(argument))


def build(app: Flask) -> Town:
    """The town; within ``probe.registered()``, for requests that wait for a decision."""
    register.open_books()
    near, far = ledger.head_office(), register.found_branch("FAR", "Far away")
    common = _common(app)
    product_id = common["product_id"]
    assert isinstance(product_id, UUID)
    sides = {name: _side(app, name, far if name == "far" else near, product_id) for name in ("own", "near", "far")}
    return Town(sides, common)


def belongs_to(town: Town, staff_id: UUID) -> None:
    """Let the *own* side be looked after by somebody: the member, and what is a person's own."""
    own = town.sides["own"]

    def hand_over() -> None:
        member, staff = db.session.get(Member, own.member_id), db.session.get(Staff, staff_id)
        assert member is not None and staff is not None
        member.officer_id = member.agent_id = staff_id
        session = sessions.open_for(staff, address="127.0.0.9", browser="elsewhere")
        found = identity.signed_in(session)
        assert found is not None
        own.records.update(staff_id=staff_id, session_id=found[0].session_id)

    in_transaction(hand_over)


def _common(app: Flask) -> dict[str, object]:
    subscription = NewSubscription.parse_json(
        {"description": "Board app", "url": "https://hooks.example.com/in", "events": ["payment.succeeded"]}
    )
    subscription_id, _ = in_transaction(lambda: webhooks.subscribe(subscription, by=BY))
    return {
        "product_id": accounts.offer(),
        "tariff_id": fees.tariff(),
        "role_code": "teller",
        "subscription_id": subscription_id,
        "delivery_id": in_transaction(lambda: webhooks.send_test(subscription_id, by=BY)),
        "command_name": "ledger.journal",
        "text_name": "payment_received",
        "kind": "connection_test",
        "step": "pause",
        "language": "sw",
    }


def _side(app: Flask, name: str, branch_id: int, product_id: UUID) -> Side:
    words = PEOPLE[name]
    person = {"first_name": words["first_name"], "last_name": words["last_name"], "national_id": words["national_id"]}
    with sms_is_on(app):
        member_id = register.register(**person, payment_phone=words["phone"], branch_id=branch_id, kra_pin=None)
    message = latest("member_welcome")
    account_id = accounts.open_account(member_id, product_id)
    number, account_number = _numbers(member_id, account_id)
    paid = receive(money(receipt(), account=account_number))
    held = receive(money(receipt(), account="NOBODYS"))
    _claim(held, member_id)
    colleague, maker = hire("teller", branch_id=branch_id), hire("accountant", branch_id=branch_id)
    document_id, file_id = _document(member_id)
    records: dict[str, object] = {
        "member_id": member_id,
        "member_number": number,
        "account_id": account_id,
        "account_number": account_number,
        "payment_id": paid,
        "payment_reference": str(paid),
        "allocation_id": payments.get(held).allocations[0].id,
        "message_id": message.id,
        "document_id": document_id,
        "file_id": file_id,
        "entry_id": payments.get(paid).allocations[0].entry_id,
        "approval_id": probe.ask(probe.person(maker), branch_id=branch_id),
        "delegation_id": _delegation(maker, colleague),
        "branch_code": next(branch.code for branch in ledger.branches() if branch.id == branch_id),
        **_access(colleague),
    }
    phone = Phone.parse(words["phone"])
    marks = (words["last_name"], number, account_number, phone.local, phone.msisdn, words["national_id"])
    return Side(name, branch_id, member_id, account_id, records, marks)


def _numbers(member_id: UUID, account_id: int) -> tuple[str, str]:
    member = db.session.get(Member, member_id)
    assert member is not None
    return member.number, savings.get(account_id).number


def _claim(payment_id: UUID, member_id: UUID) -> None:
    """Money in suspense of which it is known whose it is, as after a prompt that was paid with another amount."""

    def claim() -> None:
        payment = db.session.get(Payment, payment_id)
        assert payment is not None
        payment.member_id = member_id

    in_transaction(claim)


def _document(member_id: UUID) -> tuple[UUID, UUID]:
    with TemporaryFile() as content:
        content.write(specimens.jpeg())
        content.seek(0)
        received = files.receive(content, name="id.jpg", purpose=documents.purpose_of(DocumentKind.ID_FRONT))
        document_id = in_transaction(
            lambda: documents.add(member_id, DocumentKind.ID_FRONT, received, note=None, by=BY)
        )
    stored = select(MemberDocument.file_id).where(MemberDocument.id == document_id)
    return document_id, db.session.scalars(stored).one()


def _access(staff_id: UUID) -> dict[str, object]:
    def give() -> dict[str, object]:
        staff = db.session.get(Staff, staff_id)
        assert staff is not None
        found = identity.signed_in(sessions.open_for(staff, address="127.0.0.1", browser="tests"))
        assert found is not None
        issued = tokens.issue(name="Till", staff_id=staff_id, scopes=SCOPES.keys(), days=1, by=BY)
        return {"staff_id": staff_id, "session_id": found[0].session_id, "token_id": issued.token_id}

    return in_transaction(give)


def _delegation(lender: UUID, stand_in: UUID) -> UUID:
    def lend() -> UUID:
        today = clock.business_date()
        lent = Delegation(
            lender_id=lender, stand_in_id=stand_in, starts_on=today, ends_on=today, commands=None, reason="Away"
        )
        db.session.add(lent)
        db.session.flush()
        return lent.id

    return in_transaction(lend)
