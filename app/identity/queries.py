"""Reading who works here, who is signed in, and what they may do."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ScalarSelect, and_, exists, func, literal_column, or_, select, type_coerce
from sqlalchemy.orm import selectinload

from app.identity import rules
from app.identity.errors import RoleMissing, StaffMissing, TokenMissing
from app.identity.hashes import api_token_hash, session_hash
from app.identity.models import (
    ApiToken,
    Permission,
    RecoveryCode,
    Role,
    RolePermission,
    SecondFactor,
    Staff,
    StaffInvitation,
    StaffRole,
    StaffSession,
)
from app.identity.principal import Colleague, SignedIn, TokenHolder
from app.identity.rights import Right, Rights, together
from app.identity.schemas import normal_username
from app.identity.scopes import SCOPES
from app.identity.states import StaffStatus
from app.kernel import clock
from app.kernel.database import db
from app.kernel.money import Money
from app.kernel.paging import Page, keyset
from app.kernel.reach import COMMON, Reach, Whereabouts
from app.ledger import queries as ledger


def signed_in(token: str) -> tuple[SignedIn, bool] | None:
    """Who holds this session's token, with the rights of this moment; None once the session is over.

    Also says whether it is time to note that the session is in use.
    """
    row = db.session.execute(
        select(
            StaffSession.id,
            StaffSession.state,
            StaffSession.started_at,
            StaffSession.seen_at,
            StaffSession.proved_at,
            exists().where(SecondFactor.staff_id == Staff.id).label("has_second_factor"),
            *_PERSON,
        )
        .join(Staff, Staff.id == StaffSession.staff_id)
        .where(
            StaffSession.token_hash == session_hash(token),
            StaffSession.ended_at.is_(None),
            Staff.status == StaffStatus.ACTIVE,
        )
    ).one_or_none()
    instant = clock.now()
    if row is None or rules.has_run_out(row.state, started_at=row.started_at, seen_at=row.seen_at, instant=instant):
        return None
    person = SignedIn(
        staff_id=row.staff_id,
        username=row.username,
        name=row.name,
        branch_id=row.branch_id,
        rights=_rights(row.held),
        session_id=row.id,
        token=token,
        state=row.state,
        proved_at=row.proved_at,
        has_second_factor=row.has_second_factor,
    )
    return person, instant - row.seen_at >= rules.SEEN_EVERY


def token_holder(secret: str) -> tuple[TokenHolder, bool] | None:
    """Whom this API token acts for, with the rights of this moment; None if it is unknown, revoked or expired.

    Also says whether it is time to note that the token is in use.
    """
    instant, shown = clock.now(), api_token_hash(secret)
    row = db.session.execute(
        select(ApiToken.id, ApiToken.scopes, ApiToken.used_at, *_PERSON)
        .join(Staff, Staff.id == ApiToken.staff_id)
        .where(
            or_(
                ApiToken.token_hash == shown,
                and_(ApiToken.previous_hash == shown, ApiToken.previous_until > instant),
            ),
            ApiToken.revoked_at.is_(None),
            ApiToken.expires_at > instant,
            Staff.status == StaffStatus.ACTIVE,
        )
    ).one_or_none()
    if row is None:
        return None
    within_scopes = {code for scope in row.scopes if scope in SCOPES for code in SCOPES[scope].permissions}
    rights = {code: right for code, right in _rights(row.held).items() if code in within_scopes}
    holder = TokenHolder(row.id, row.staff_id, row.branch_id, frozenset(row.scopes), rights)
    return holder, row.used_at is None or instant - row.used_at >= rules.SEEN_EVERY


def colleagues(staff_ids: Collection[UUID] | None = None, *, steady: bool = False) -> dict[UUID, Colleague]:
    """Of these (or of everybody), those who work here now, by name, with the rights of this moment.

    ``steady`` has them stay so until the transaction ends: nobody is suspended between the question and what follows.
    """
    query = select(Staff.id, Staff.name, Staff.branch_id, _held().label("held"))
    query = query.where(Staff.status == StaffStatus.ACTIVE).order_by(Staff.name, Staff.id)
    if staff_ids is not None:
        query = query.where(Staff.id.in_(staff_ids))
    if steady:
        query = query.with_for_update(read=True, of=Staff)
    return {row.id: Colleague(row.id, row.name, row.branch_id, _rights(row.held)) for row in db.session.execute(query)}


def by_username(username: str) -> Staff | None:
    """The user of this name, however it was typed."""
    return db.session.scalar(
        select(Staff).where(Staff.username == normal_username(username)).execution_options(populate_existing=True)
    )


def get(staff_id: UUID) -> Staff:
    """A user with roles. Refuses with StaffMissing."""
    staff = db.session.scalar(select(Staff).where(Staff.id == staff_id).options(selectinload(Staff.roles)))
    if staff is None:
        raise StaffMissing
    return staff


def whereabouts(staff_id: UUID) -> Whereabouts | None:
    """Where a user belongs: at the branch, and with himself; None if there is none."""
    branch_id = db.session.scalar(select(Staff.branch_id).where(Staff.id == staff_id))
    return Whereabouts(branch_id, staff_id) if branch_id is not None else None


def token_whereabouts(token_id: UUID) -> Whereabouts | None:
    """Where an API token belongs: where its owner does; None if there is none."""
    owner = db.session.scalar(select(ApiToken.staff_id).where(ApiToken.id == token_id))
    return whereabouts(owner) if owner else None


def session_whereabouts(session_id: UUID) -> Whereabouts | None:
    """Where a session belongs: where the person does who is signed in; None if there is none."""
    holder = db.session.scalar(select(StaffSession.staff_id).where(StaffSession.id == session_id))
    return whereabouts(holder) if holder else None


def role_whereabouts(role_code: str) -> Whereabouts | None:
    """A role is the same for every branch; None if there is none."""
    return COMMON if db.session.scalar(select(Role.code).where(Role.code == role_code)) else None


def staff_list(*, after: str | None = None, status: StaffStatus | None = None) -> Page[Staff]:
    """One page of the users, by username."""
    query = select(Staff).options(selectinload(Staff.roles))
    if status:
        query = query.where(Staff.status == status)
    return keyset(query, by=[Staff.username], after=after, descending=False)


def active_staff() -> Sequence[Staff]:
    """Who works here now, by name, for a select."""
    return db.session.scalars(
        select(Staff).where(Staff.status == StaffStatus.ACTIVE).order_by(Staff.name, Staff.id)
    ).all()


def roles() -> Sequence[Role]:
    """Every role that is given, with what it gives, in the order of the house."""
    given = select(Role).where(Role.retired_at.is_(None)).order_by(Role.position)
    return db.session.scalars(given.options(selectinload(Role.permissions), selectinload(Role.grants))).all()


def role(code: str) -> Role:
    """One role with what it gives. Refuses with RoleMissing."""
    found = db.session.get(Role, code, options=[selectinload(Role.grants)], populate_existing=True)
    if found is None:
        raise RoleMissing
    return found


def retired_roles() -> Sequence[Role]:
    """Roles that nobody is given any more, the latest first."""
    return db.session.scalars(
        select(Role).where(Role.retired_at.is_not(None)).order_by(Role.retired_at.desc(), Role.code)
    ).all()


def holders_of(code: str) -> dict[UUID, str]:
    """Who has a role and has not left, by name."""
    rows = db.session.execute(
        select(Staff.id, Staff.name)
        .join(StaffRole, StaffRole.staff_id == Staff.id)
        .where(StaffRole.role_code == code, Staff.status != StaffStatus.LEFT)
        .order_by(Staff.name, Staff.id)
    )
    return {row.id: row.name for row in rows}


def holder_counts() -> dict[str, int]:
    """How many people have each role."""
    rows = db.session.execute(
        select(StaffRole.role_code, func.count().label("people"))
        .join(Staff, Staff.id == StaffRole.staff_id)
        .where(Staff.status != StaffStatus.LEFT)
        .group_by(StaffRole.role_code)
    )
    return {row.role_code: row.people for row in rows}


def open_sessions(staff_id: UUID) -> list[StaffSession]:
    """Where somebody is signed in now, the latest first."""
    instant = clock.now()
    alive = select(StaffSession).where(
        StaffSession.staff_id == staff_id,
        StaffSession.ended_at.is_(None),
        StaffSession.seen_at > instant - rules.IDLE_LIMIT,
    )
    found = db.session.scalars(alive.order_by(StaffSession.started_at.desc(), StaffSession.id))
    return [session for session in found if session.ends_at > instant]


def second_factor_since(staff_id: UUID) -> datetime | None:
    """Since when somebody has a second factor; None without one."""
    return db.session.scalar(select(SecondFactor.confirmed_at).where(SecondFactor.staff_id == staff_id))


def recovery_codes_left(staff_id: UUID) -> int:
    """How many recovery codes somebody has not used yet."""
    unused = select(func.count()).where(RecoveryCode.staff_id == staff_id, RecoveryCode.used_at.is_(None))
    return db.session.scalar(unused) or 0


def invitation(staff_id: UUID) -> StaffInvitation | None:
    """The one-time code that somebody was given and may still use."""
    return db.session.scalar(
        select(StaffInvitation).where(
            StaffInvitation.staff_id == staff_id,
            StaffInvitation.closed_at.is_(None),
            StaffInvitation.expires_at > clock.now(),
        )
    )


def token(token_id: UUID) -> ApiToken:
    """One API token. Refuses with TokenMissing."""
    found = db.session.get(ApiToken, token_id)
    if found is None:
        raise TokenMissing
    return found


def tokens_ending(*, before: datetime) -> Sequence[str]:
    """The names of tokens that are still good and will not be for long, the first to end first."""
    ending = select(ApiToken.name).where(
        ApiToken.revoked_at.is_(None), ApiToken.expires_at > clock.now(), ApiToken.expires_at <= before
    )
    return db.session.scalars(ending.order_by(ApiToken.expires_at)).all()


def tokens(*, after: str | None = None) -> Page[ApiToken]:
    """One page of the API tokens, the newest first."""
    return keyset(
        select(ApiToken).options(selectinload(ApiToken.staff)), by=[ApiToken.created_at, ApiToken.id], after=after
    )


def branch_names() -> dict[int, str]:
    """The branches somebody can work at."""
    return {branch.id: branch.name for branch in ledger.branches()}


def at_branch(branch_id: int) -> list[str]:
    """Who still works at a branch, as a sentence: nobody closes it under them."""
    working = select(func.count()).select_from(Staff)
    count = db.session.scalar(working.where(Staff.branch_id == branch_id, Staff.status != StaffStatus.LEFT)) or 0
    return [f"{count} {'user works' if count == 1 else 'users work'} here."] if count else []


def names_of(ids: Collection[str]) -> Mapping[str, str]:
    """What these staff are called, by id as text: audit keeps actors as plain values."""
    rows = db.session.execute(select(Staff.id, Staff.name).where(Staff.id.in_([UUID(staff_id) for staff_id in ids])))
    return {str(row.id): row.name for row in rows}


def search(text: str) -> list[str]:
    """Ids of staff whom a person may mean by this username or part of a name."""
    part = text.strip()
    if not part:
        return []
    meant = or_(Staff.username == normal_username(part), Staff.name.icontains(part, autoescape=True))
    return [str(staff_id) for staff_id in db.session.scalars(select(Staff.id).where(meant).limit(50))]


def permission_labels() -> dict[str, str]:
    """Every permission in words."""
    return {row.code: row.label for row in db.session.scalars(select(Permission).order_by(Permission.code))}


def _held() -> ScalarSelect[Any]:
    """What each role of a person gives, as a JSON array of permission, reach and limit."""
    gives = func.jsonb_build_array(
        RolePermission.permission_code, RolePermission.reach, type_coerce(RolePermission.limit, BigInteger)
    )
    return (
        select(func.coalesce(func.jsonb_agg(gives), literal_column("'[]'::jsonb")))
        .select_from(RolePermission)
        .join(StaffRole, StaffRole.role_code == RolePermission.role_code)
        .where(StaffRole.staff_id == Staff.id)
        .correlate(Staff)
        .scalar_subquery()
    )


def _rights(held: list[tuple[str, str, int | None]]) -> Rights:
    return together(
        (permission, Right(Reach(reach), None if cents is None else Money(cents))) for permission, reach, cents in held
    )


_PERSON = (
    Staff.id.label("staff_id"),
    Staff.username,
    Staff.name,
    Staff.branch_id,
    _held().label("held"),
)
