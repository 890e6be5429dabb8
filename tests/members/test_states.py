"""A member's status: every pair of moves, and what each status allows."""

from __future__ import annotations

from itertools import product

import pytest

from app.members.states import MEMBER_MOVES, MemberStatus, may_move

ALLOWED = {
    ("active", "dormant"), ("active", "suspended"), ("active", "exit_notice"), ("active", "deceased"),
    ("dormant", "active"), ("dormant", "exit_notice"), ("dormant", "deceased"),
    ("suspended", "active"), ("suspended", "deceased"),
    ("exit_notice", "exited"), ("exit_notice", "active"), ("exit_notice", "deceased"),
    ("deceased", "active"),
}  # fmt: skip


@pytest.mark.parametrize(("current", "target"), list(product(MemberStatus, MemberStatus)))
def test_a_member_moves_only_as_the_table_says(current: MemberStatus, target: MemberStatus) -> None:
    assert may_move(current, target) == ((current.value, target.value) in ALLOWED)


def test_every_status_has_a_row_of_moves_and_says_what_it_means() -> None:
    assert set(MEMBER_MOVES) == set(MemberStatus)
    assert all(status.effect.endswith(".") for status in MemberStatus)


def test_money_that_comes_in_is_the_members_own_until_the_membership_has_ended() -> None:
    assert {status for status in MemberStatus if not status.is_open} == {MemberStatus.EXITED, MemberStatus.DECEASED}


def test_a_suspended_member_is_not_prompted_but_one_who_is_dormant_or_leaving_is() -> None:
    assert {status.value for status in MemberStatus if status.may_be_prompted} == {"active", "dormant", "exit_notice"}


def test_only_an_active_member_opens_accounts() -> None:
    assert [status for status in MemberStatus if status.may_open_accounts] == [MemberStatus.ACTIVE]
