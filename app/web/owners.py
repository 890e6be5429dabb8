"""Tells the log of reads whose record an address shows; each room is asked about its own."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from app.audit.models import page_names
from app.members import queries as members
from app.messaging import queries as messaging
from app.payments import queries as payments
from app.savings import queries as savings
from app.web import reads

PAGES = {
    "access.phone": "Payment phone",
    "access.pin": "PIN",
    "fees.registration_fee": "Registration fee",
    "members.edit": "Form with all details",
    "members.find": "List of members",
    "members.index": "List of members",
    "members.status": "Status and its history",
    "members_api.by_number": "Member, by the API",
    "members_api.index": "List of members, by the API",
    "members_api.search": "Search, by the API",
    "members_api.show": "Member, by the API",
    "messaging.show": "Text message",
    "mpesa_api.query": "Payment, by the API",
    "payments.index": "List of payments",
    "payments.latest": "Latest payments",
    "payments.new_prompt": "Payment prompt",
    "payments.show": "Payment",
    "payments.status": "Payment",
    "payments_api.index": "List of payments, by the API",
    "profile.activity": "Activity",
    "profile.money": "Balances",
    "profile.savings_tab": "Savings",
    "profile.show": "Profile",
    "savings.account": "Savings account",
    "savings.closing": "Savings account",
    "savings.new_account": "New savings account",
    "savings_api.account": "Savings account, by the API",
    "savings_api.statement": "Statement, by the API",
    "search.look_up": "Search",
}
"""How the log of reads names a page; one that is not listed shows under its own name."""


def install() -> None:
    """Register what the arguments of addresses lead to, and what the pages are called."""
    page_names.update(PAGES)
    reads.leads_to("member_id", lambda member_id: [member_id])
    reads.leads_to("account_id", lambda account_id: [savings.get(account_id).member_id])
    reads.leads_to("member_number", lambda number: [members.by_number(number)])
    reads.leads_to("account_number", lambda number: [savings.get(savings.numbered(number)).member_id])
    reads.leads_to("payment_id", _of_payment)
    reads.leads_to("message_id", _of_message)


def _of_payment(payment_id: UUID) -> Iterable[object]:
    owner = payments.get(payment_id).member_id
    return [owner] if owner else []


def _of_message(message_id: UUID) -> Iterable[object]:
    """The member to whom the text went, where one is known."""
    found = messaging.addressee(message_id)
    return [found.member_id] if found and found.member_id else []
