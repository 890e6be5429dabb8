"""Staff, their roles and rights, their sessions and tokens. Every secret is stored only as a hash."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.identity import rules
from app.identity.rights import Right
from app.identity.states import CounterKind, InvitationKind, SessionEnd, SessionState, StaffStatus
from app.kernel.database import EncryptedText, Instant, MoneyCents, created_at, db, labelled, uuid_key
from app.kernel.money import Money
from app.kernel.reach import Reach


class Permission(db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """One thing that a role may do, named after its room: ``payments.prompt``."""

    __tablename__ = "permission"

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    label: Mapped[str] = mapped_column(Text)


class Role(db.Model):  # type: ignore[name-defined]
    """A job in the society, with what it may do."""

    __tablename__ = "role"

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    label: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    position: Mapped[int]  # the order in which roles are listed
    version: Mapped[int] = mapped_column(Integer, server_default="1")  # another one after each change of what it gives
    retired_at: Mapped[datetime | None] = mapped_column(Instant)  # nobody is given it any more

    grants: Mapped[list[RolePermission]] = relationship(
        order_by="RolePermission.permission_code", cascade="all, delete-orphan", lazy="select"
    )
    permissions: Mapped[list[Permission]] = relationship(
        secondary="role_permission", order_by=Permission.code, viewonly=True
    )

    @property
    def rights(self) -> dict[str, Right]:
        """What it gives, by permission."""
        return {grant.permission_code: Right(grant.reach, grant.limit) for grant in self.grants}


class RolePermission(db.Model):  # type: ignore[name-defined]
    """That a role may do something: with whose records, and up to which amount."""

    __tablename__ = "role_permission"
    __table_args__ = (CheckConstraint("limit_cents > 0", name="limit"),)

    role_code: Mapped[str] = mapped_column(ForeignKey("role.code"), primary_key=True)
    permission_code: Mapped[str] = mapped_column(ForeignKey("permission.code"), primary_key=True)
    reach: Mapped[Reach] = mapped_column(labelled(Reach, "reach"), server_default=Reach.SOCIETY.value)
    limit: Mapped[Money | None] = mapped_column("limit_cents", MoneyCents)  # none: no limit


class Staff(db.Model):  # type: ignore[name-defined]
    """Somebody who works for the society and signs in."""

    __tablename__ = "staff"

    id: Mapped[UUID] = uuid_key()
    username: Mapped[str] = mapped_column(Text, unique=True)  # lower case, see `schemas.Username`
    name: Mapped[str] = mapped_column(Text)
    branch_id: Mapped[int] = mapped_column(ForeignKey("ledger.branch.id"))
    status: Mapped[StaffStatus] = mapped_column(labelled(StaffStatus, "status"))
    password_hash: Mapped[str | None] = mapped_column(Text)  # argon2id; none until the invitation is taken up
    temporary_until: Mapped[datetime | None] = mapped_column(Instant)  # no longer used; the next release drops it
    created_at: Mapped[datetime] = created_at()

    roles: Mapped[list[Role]] = relationship(secondary="staff_role", order_by=Role.position)


class StaffRole(db.Model):  # type: ignore[name-defined]
    """That somebody has a role."""

    __tablename__ = "staff_role"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    role_code: Mapped[str] = mapped_column(ForeignKey("role.code"), primary_key=True)


class StaffSession(db.Model):  # type: ignore[name-defined]
    """One sign-in of one browser, until it is ended or runs out."""

    __tablename__ = "staff_session"
    __table_args__ = (Index("ix_staff_session_open", "staff_id", postgresql_where="ended_at IS NULL"),)

    id: Mapped[UUID] = uuid_key()
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    started_at: Mapped[datetime] = mapped_column(Instant)
    seen_at: Mapped[datetime] = mapped_column(Instant)
    address: Mapped[str | None] = mapped_column(Text)
    browser: Mapped[str | None] = mapped_column(Text)
    state: Mapped[SessionState] = mapped_column(
        labelled(SessionState, "state"), server_default=SessionState.HALF_OPEN.value
    )
    proved_at: Mapped[datetime | None] = mapped_column(Instant)  # when its holder last showed who he is, fully
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    end_reason: Mapped[SessionEnd | None] = mapped_column(labelled(SessionEnd, "end_reason"))

    @property
    def ends_at(self) -> datetime:
        """When it ends by itself, unless it is used again."""
        return rules.ends_at(self.state, started_at=self.started_at, seen_at=self.seen_at)


class SignInCounter(db.Model):  # type: ignore[name-defined]
    """How often something was tried in a row: for one username, from one address, at one person's second factor.

    What is counted by is kept as a keyed hash.
    """

    __tablename__ = "sign_in_counter"

    kind: Mapped[CounterKind] = mapped_column(labelled(CounterKind, "kind"), primary_key=True)
    key_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    tries: Mapped[int]
    tried_at: Mapped[datetime] = mapped_column(Instant, index=True)
    locked_until: Mapped[datetime | None] = mapped_column(Instant)


class ApiToken(db.Model):  # type: ignore[name-defined]
    """A secret with which a program acts for a member of staff, within scopes and until a date."""

    __tablename__ = "api_token"
    __table_args__ = (
        CheckConstraint("cardinality(scopes) > 0", name="scopes"),
        CheckConstraint("(previous_hash IS NULL) = (previous_until IS NULL)", name="previous"),
    )

    id: Mapped[UUID] = uuid_key()
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    hint: Mapped[str] = mapped_column(Text)  # its last characters, by which people tell tokens apart
    name: Mapped[str] = mapped_column(Text)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = created_at()
    expires_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)
    used_from: Mapped[str | None] = mapped_column(Text)
    previous_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)  # of the secret before this one
    previous_until: Mapped[datetime | None] = mapped_column(Instant)  # until then it is good as well
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)

    staff: Mapped[Staff] = relationship()


class SecondFactor(db.Model):  # type: ignore[name-defined]
    """The authenticator app of a member of staff: what it and we know, and which of its codes was used last."""

    __tablename__ = "second_factor"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    secret: Mapped[str] = mapped_column(EncryptedText)  # base32
    confirmed_at: Mapped[datetime] = mapped_column(Instant)
    last_step: Mapped[int] = mapped_column(BigInteger)  # codes of this step of 30 seconds and before are worth nothing


class RecoveryCode(db.Model):  # type: ignore[name-defined]
    """One of the codes that stand in for a lost authenticator app, each once."""

    __tablename__ = "recovery_code"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    used_at: Mapped[datetime | None] = mapped_column(Instant)


class StaffInvitation(db.Model):  # type: ignore[name-defined]
    """A one-time code, handed over by an administrator, with which somebody chooses a password."""

    __tablename__ = "staff_invitation"
    __table_args__ = (Index("ix_staff_invitation_open", "staff_id", unique=True, postgresql_where="closed_at IS NULL"),)

    id: Mapped[UUID] = uuid_key()
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    kind: Mapped[InvitationKind] = mapped_column(labelled(InvitationKind, "kind"))
    code_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    made_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)  # used, or put out of use
