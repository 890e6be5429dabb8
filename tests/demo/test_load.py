"""The demonstration society: whole, the same for the same seed, loaded once, and verified by the ledger."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.demo.load import STAFF, Loaded, load
from app.demo.people import FIRST_TRY_PHONE
from app.identity import queries as identity
from app.kernel import clock
from app.kernel.database import db
from app.kernel.money import ZERO
from app.kernel.transactions import in_transaction
from app.ledger import queries as ledger
from app.ledger.verify import verify_on
from app.members import queries as members
from app.members.models import Member
from app.members.states import MemberStatus
from app.savings import queries as savings
from app.savings.models import SavingsAccount
from tests.harness.apps import apart, dispose, make_app
from tests.harness.servers import DEMO_PASSWORD, Servers


def load_society(count: int = 40, seed: int = 2026) -> Loaded:
    made = in_transaction(lambda: load(count, seed=seed, password=DEMO_PASSWORD))
    assert made is not None
    return made


def run(app: Flask, *arguments: str) -> Any:
    return apart(lambda: app.test_cli_runner().invoke(args=["demo", "load", *arguments]))


def test_the_society_is_whole_and_the_ledger_agrees(app: Flask) -> None:
    made = load_society()

    report = verify_on(db.session.connection())
    assert report.ok, report.differences
    assert made.members == db.session.scalar(select(func.count()).select_from(Member)) == 40
    assert made.accounts == db.session.scalar(select(func.count()).select_from(SavingsAccount))
    assert made.entries > made.accounts


def test_the_member_to_try_first_has_two_accounts_with_a_past(app: Flask) -> None:
    load_society()

    member_id = members.by_payment_phone(FIRST_TRY_PHONE)

    assert member_id is not None
    profile = members.profile(member_id)
    assert profile.payment_phone is not None and profile.payment_phone.verified_at is not None
    accounts = savings.accounts_with_balances(member_id, on=clock.business_date())
    assert len(accounts) >= 2
    assert all(account.balance > ZERO for account in accounts)
    assert len(savings.statement(accounts[0].account.id).items) >= 5
    assert savings.by_number(profile.member.number) == accounts[0].account.id


def test_every_role_has_a_user_who_can_sign_in(app: Flask) -> None:
    load_society(3)

    assert all(identity.by_username(username) for username, _, _ in STAFF)


def test_two_branches_have_members_of_several_statuses(app: Flask) -> None:
    load_society(300)

    assert {branch.name for branch in ledger.branches()} == {"Nairobi", "Nakuru"}
    assert len(set(db.session.scalars(select(Member.branch_id)))) == 2
    statuses = set(db.session.scalars(select(Member.status)))
    assert statuses >= {MemberStatus.ACTIVE, MemberStatus.DORMANT, MemberStatus.SUSPENDED}
    [latest, *_] = members.status_history(
        db.session.scalars(select(Member.id).where(Member.status == MemberStatus.DORMANT)).first()
    )
    assert latest.to_status is MemberStatus.DORMANT


def test_the_command_loads_once(app: Flask) -> None:
    first, second = run(app, "--members", "5", "--json"), run(app, "--members", "5", "--json")

    assert json.loads(first.output)["loaded"] is True
    assert json.loads(second.output) == {"loaded": False, "members": 0, "accounts": 0, "entries": 0}
    assert "There are members already" in run(app).output
    assert db.session.scalar(select(func.count()).select_from(Member)) == 5


def test_the_same_seed_makes_the_same_society(servers: Servers) -> None:
    first, second, other = (_portrait(servers, seed) for seed in (7, 7, 8))

    assert len(first) == 25
    assert first == second
    assert first != other


def _portrait(servers: Servers, seed: int) -> list[tuple[str, ...]]:
    """Every member of a fresh society with number, phone and balances, as text."""
    with servers.clone() as name:
        app = make_app(servers.settings(name))
        with app.app_context():
            load_society(25, seed=seed)
            found = [
                (
                    member.number,
                    member.name,
                    member.national_id,
                    str(members.payment_phone(member.id)),
                    *_balances(member),
                )
                for member in db.session.scalars(select(Member).order_by(Member.number))
            ]
        dispose(app)
    return found


def _balances(member: Member) -> list[str]:
    return [str(shown.balance) for shown in savings.accounts_with_balances(member.id, on=clock.business_date())]


@pytest.mark.parametrize("count", ["0", "-1", "2000000", "many"])
def test_a_number_of_members_that_cannot_be_is_refused(app: Flask, count: str) -> None:
    assert run(app, "--members", count).exit_code == 2
    assert db.session.scalar(select(func.count()).select_from(Member)) == 0


def test_nothing_is_loaded_in_production(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(app.extensions["settings"]), "is_production", property(lambda _: True))

    refused = run(app)

    assert refused.exit_code == 1
    assert "does not belong in production" in refused.output
    assert db.session.scalar(select(func.count()).select_from(Member)) == 0
