"""Staff, their roles and rights, their sessions and tokens. Every secret is stored only as a hash."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.identity.states import CounterKind, SessionEnd, StaffStatus
from app.kernel.database import Instant, MoneyCents, created_at, db, labelled, uuid_key
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

    permissions: Mapped[list[Permission]] = relationship(secondary="role_permission", order_by=Permission.code)


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
    password_hash: Mapped[str] = mapped_column(Text)  # argon2id
    temporary_until: Mapped[datetime | None] = mapped_column(Instant)  # set while the password was chosen by us
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
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    end_reason: Mapped[SessionEnd | None] = mapped_column(labelled(SessionEnd, "end_reason"))


class SignInCounter(db.Model):  # type: ignore[name-defined]
    """How often sign-in was tried in a row for one username or from one address, kept as a keyed hash."""

    __tablename__ = "sign_in_counter"

    kind: Mapped[CounterKind] = mapped_column(labelled(CounterKind, "kind"), primary_key=True)
    key_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    tries: Mapped[int]
    tried_at: Mapped[datetime] = mapped_column(Instant, index=True)
    locked_until: Mapped[datetime | None] = mapped_column(Instant)


class ApiToken(db.Model):  # type: ignore[name-defined]
    """A secret with which a program acts for a member of staff, within scopes and until a date."""

    __tablename__ = "api_token"
    __table_args__ = (CheckConstraint("cardinality(scopes) > 0", name="scopes"),)

    id: Mapped[UUID] = uuid_key()
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    hint: Mapped[str] = mapped_column(Text)  # its last characters, by which people tell tokens apart
    name: Mapped[str] = mapped_column(Text)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = created_at()
    expires_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)

    staff: Mapped[Staff] = relationship()
