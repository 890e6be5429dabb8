"""The second factor of the staff: an authenticator app is set up, shown at sign-in and before what is sensitive.

Each code is good once, whichever session shows it. Recovery codes stand in for a lost phone, each once as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from flask import current_app
from sqlalchemy import delete, update

from app import audit
from app.identity import one_time, queries, rules, totp
from app.identity.errors import CodeUsed, FactorMissing, OwnAccess, StaffMissing, WrongCode
from app.identity.hashes import recovery_code_hash, second_factor_hash
from app.identity.models import RecoveryCode, SecondFactor, Staff
from app.identity.service import sessions, tries
from app.identity.service.authority import authorise
from app.identity.states import CounterKind, SessionEnd
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.encryption import keyed_hash
from app.kernel.reach import Whereabouts
from config import Settings

RECOVERY_CODE_GROUPS = 2


def is_required() -> bool:
    """Whether everybody needs one. The sandbox relaxes it: who has none there signs in with the password alone."""
    settings: Settings = current_app.extensions["settings"]
    return "C68" not in settings.relaxations


def proposal(staff_id: UUID, session_id: UUID) -> str:
    """The secret that this session may set up an app with.

    It is derived, so that a page can be shown again, and read without writing anything. Once an app is confirmed the
    next proposal is another one.
    """
    factor = db.session.get(SecondFactor, staff_id)
    generation = factor.confirmed_at.isoformat() if factor else "first"
    return totp.secret_from(keyed_hash("identity.second_factor.proposal", f"{session_id}:{generation}"))


def count_try(staff_id: UUID) -> None:
    """Count one try at somebody's second factor, in whichever session. Refuses with TooManyTries."""
    tries.count(CounterKind.SECOND_FACTOR, second_factor_hash(staff_id), clock.now())


def confirm(staff_id: UUID, typed: str, *, session_id: UUID, by: Actor) -> tuple[str, list[str]]:
    """Begin to use the proposed app, which has shown its first code; every other session ends.

    Returns the session's new token and the recovery codes, to be shown this once. Refuses with WrongCode.
    """
    staff = _locked_staff(staff_id)
    secret, instant = proposal(staff_id, session_id), clock.now()
    step = totp.matching_step(secret, _digits(typed), instant=instant)
    if step is None:
        raise WrongCode
    db.session.merge(SecondFactor(staff_id=staff_id, secret=secret, confirmed_at=instant, last_step=step))
    codes = _new_recovery_codes(staff_id)
    tries.forget(CounterKind.SECOND_FACTOR, second_factor_hash(staff_id))
    sessions.end_all(staff_id, SessionEnd.SECOND_FACTOR_CHANGED, but=session_id)
    _record("identity.second_factor_set_up", staff, by)
    if sessions.is_half_open(session_id):
        _record("identity.signed_in", staff, by, after={"with": "authenticator app"})
    return sessions.renew(session_id), codes


def prove(staff_id: UUID, typed: str, *, session_id: UUID, by: Actor) -> tuple[str, int | None]:
    """Take a code of the app or a recovery code, and open the session fully under a new token.

    Returns the token and, if a recovery code was used, how many are left. The caller counts the try first, in a
    transaction of its own. Refuses with WrongCode, CodeUsed, FactorMissing, and SignInNeeded if the session has ended.
    """
    staff = _locked_staff(staff_id)
    factor = db.session.get(SecondFactor, staff_id, with_for_update=True, populate_existing=True)
    if factor is None:
        raise FactorMissing
    left = None if _take_app_code(factor, typed) else _take_recovery_code(staff_id, typed)
    shown = {"with": "authenticator app"} if left is None else {"with": "recovery code", "left": left}
    action = "identity.signed_in" if sessions.is_half_open(session_id) else "identity.confirmed"
    _record(action, staff, by, after=shown)
    tries.forget(CounterKind.SECOND_FACTOR, second_factor_hash(staff_id))
    return sessions.renew(session_id), left


def record_failure(staff_id: UUID, *, by: Actor) -> None:
    """Leave a trace of a code that was not right, and of the pause that it began."""
    until = tries.paused_until(CounterKind.SECOND_FACTOR, second_factor_hash(staff_id), clock.now())
    after = {"locked_until": until} if until else None
    _record("identity.second_factor_failed", _locked_staff(staff_id), by, after=after)


def renew_recovery_codes(staff_id: UUID, *, by: Actor) -> list[str]:
    """Make new recovery codes, to be shown this once; the old ones are worthless. Refuses with FactorMissing."""
    staff = _locked_staff(staff_id)
    if db.session.get(SecondFactor, staff_id) is None:
        raise FactorMissing
    codes = _new_recovery_codes(staff_id)
    _record("identity.recovery_codes_renewed", staff, by)
    return codes


def reset(staff_id: UUID, *, by: Actor, reason: str) -> None:
    """Take away a second factor that was lost, with its recovery codes and every session.

    The person sets up another one at the next sign-in. Refuses with StaffMissing, OwnAccess and FactorMissing.
    """
    staff = _locked_staff(staff_id)
    authorise(by, "identity.manage_users", whereabouts=Whereabouts(staff.branch_id, staff_id))
    if by.kind == "staff" and by.id == str(staff_id):
        raise OwnAccess
    if not forget(staff_id):
        raise FactorMissing
    sessions.end_all(staff_id, SessionEnd.SECOND_FACTOR_CHANGED)
    tries.forget(CounterKind.SECOND_FACTOR, second_factor_hash(staff_id))
    _record("identity.second_factor_reset", staff, by, after={"reason": reason})


def forget(staff_id: UUID) -> bool:
    """Remove the secret and the recovery codes of somebody; says whether there was a second factor."""
    db.session.execute(delete(RecoveryCode).filter_by(staff_id=staff_id))
    removed = delete(SecondFactor).filter_by(staff_id=staff_id).returning(SecondFactor.staff_id)
    return db.session.scalar(removed) is not None


def _take_app_code(factor: SecondFactor, typed: str) -> bool:
    """Whether this is a code of the app; a code is taken once, and then none of before either."""
    step = totp.matching_step(factor.secret, _digits(typed), instant=clock.now())
    if step is None:
        return False
    if step <= factor.last_step:
        raise CodeUsed
    factor.last_step = step
    return True


def _take_recovery_code(staff_id: UUID, typed: str) -> int:
    """Use up a recovery code; returns how many are left. Refuses with WrongCode."""
    used = db.session.scalar(
        update(RecoveryCode)
        .where(
            RecoveryCode.staff_id == staff_id,
            RecoveryCode.code_hash == recovery_code_hash(staff_id, one_time.normal(typed)),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=clock.now())
        .returning(RecoveryCode.code_hash)
    )
    if used is None:
        raise WrongCode
    return queries.recovery_codes_left(staff_id)


def _new_recovery_codes(staff_id: UUID) -> list[str]:
    codes = [one_time.made(RECOVERY_CODE_GROUPS) for _ in range(rules.RECOVERY_CODES)]
    db.session.execute(delete(RecoveryCode).filter_by(staff_id=staff_id))
    db.session.add_all(RecoveryCode(staff_id=staff_id, code_hash=recovery_code_hash(staff_id, code)) for code in codes)
    return codes


def _digits(typed: str) -> str:
    """A code as the app means it, typed as ``123 456`` or not."""
    return "".join(typed.split())


def _locked_staff(staff_id: UUID) -> Staff:
    staff = db.session.get(Staff, staff_id, with_for_update=True, populate_existing=True)
    if staff is None:
        raise StaffMissing
    return staff


def _record(action: str, staff: Staff, by: Actor, *, after: Mapping[str, object] | None = None) -> None:
    audit.record(action, subject=("staff", staff.id), by=by, after=after, branch_id=staff.branch_id)
