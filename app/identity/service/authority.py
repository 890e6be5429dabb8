"""May somebody do this? Asked by use cases themselves, so that no caller (page, program, job) gets round it."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from flask import g, has_app_context

from app import audit
from app.identity import queries
from app.identity.errors import MoreThanOwn, OutOfReach, OverLimit, RightMissing
from app.identity.principal import Holder
from app.identity.rights import Right, Rights
from app.kernel.actor import Actor
from app.kernel.money import Money
from app.kernel.reach import EVERYWHERE, Whereabouts, Within


def authorise(
    by: Actor, permission: str, *, whereabouts: Whereabouts | None = None, amount: Money | None = None
) -> Within:
    """Refuse what a member of staff has no right to, or not there, or not for so much; returns how far the right goes.

    Jobs, commands and providers pass: they act by what was decided before. Refuses with RightMissing, OutOfReach and
    OverLimit.
    """
    if by.kind != "staff":
        return EVERYWHERE
    holder = _holder(by)
    right = holder.right(permission) if holder else None
    if holder is None or right is None:
        _notice("right_missing", by, permission)
        raise RightMissing
    within = holder.within(permission)
    if whereabouts is not None and not within.holds(whereabouts):
        _notice("record_out_of_reach", by, permission)
        raise OutOfReach
    _check_limit(right, amount, by, permission)
    return within


def check_gift(by: Actor, roles: Iterable[Rights]) -> None:
    """Refuse whoever would give somebody more than he has himself, unless he may change what roles give anyway.

    Refuses with MoreThanOwn.
    """
    if by.kind != "staff":
        return
    holder = _holder(by)
    own: Rights = holder.rights if holder else {}
    if "identity.manage_roles" in own:
        return
    if not all(code in own and own[code].contains(right) for rights in roles for code, right in rights.items()):
        _notice("gift_refused", by, "identity.manage_users")
        raise MoreThanOwn


def _holder(by: Actor) -> Holder | None:
    """Who acts: the one behind this request, whose rights it has read (a token's are fewer); else as of now."""
    asking = g.get("asking") if has_app_context() else None
    if isinstance(asking, Holder) and str(asking.staff_id) == by.id:
        return asking
    try:
        staff_id = UUID(by.id)
    except ValueError:
        return None  # no member of staff has such an id
    return queries.colleagues([staff_id]).get(staff_id)


def _check_limit(right: Right, amount: Money | None, by: Actor, permission: str) -> None:
    if amount is not None and not right.covers(amount):
        assert right.limit is not None, "only a limit can be passed"
        _notice("over_limit", by, permission)
        raise OverLimit(right.limit)


def _notice(event: str, by: Actor, permission: str) -> None:
    audit.notice(event, staff_id=by.id, permission=permission)
