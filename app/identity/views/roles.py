"""What each role may do, as a table; and the form on which a change is proposed, for a second person to decide."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request, url_for

from app.approvals import queries as approvals
from app.approvals import service as approvals_service
from app.approvals.states import ApprovalState
from app.identity import queries, role_changes, role_sheets
from app.identity.errors import StaleRole
from app.identity.rights import WITH_A_LIMIT
from app.identity.role_sheets import Retirement, RoleForm
from app.identity.service import roles as service
from app.identity.views import bp
from app.kernel.errors import Invalid
from app.kernel.forms import Filled
from app.kernel.idempotency import once
from app.kernel.reach import Reach
from app.kernel.transactions import in_transaction
from app.web.access import actor, requires
from app.web.pages import done, page, toast

ROOMS = {
    "mpesa": "M-PESA",
    "dayend": "Close of day",
    "messaging": "Messages",
    "identity": "Users and roles",
    "ops": "System",
}


@bp.get("/roles")
@requires("identity.manage_roles")
def roles() -> Response:
    """Every role, and what it may do."""
    every = queries.roles()
    return page(
        "identity/roles.html",
        roles=every,
        retired=queries.retired_roles(),
        counts=queries.holder_counts(),
        rights={role.code: role.rights for role in every},
        groups=_groups(),
        waiting=approvals.waiting_about(role_changes.SUBJECT),
    )


@bp.get("/roles/new")
@requires("identity.manage_roles")
def new_role() -> Response:
    """An empty form, or one that begins with what another role may do."""
    like = request.args.get("like")
    rights = queries.role(like).rights if like else {}
    return _form_page(None, Filled(typed=role_sheets.typed_from("", "", rights, version=0)))


@bp.post("/roles")
@requires("identity.manage_roles", fresh=True)
def add_role() -> Response:
    """Propose a new role."""
    return _propose(None)


@bp.get("/roles/<role_code>")
@requires("identity.manage_roles")
def role(role_code: str) -> Response:
    """One role: what it may do, and who has it."""
    shown = queries.role(role_code)
    typed = role_sheets.typed_from(shown.label, shown.description, shown.rights, version=shown.version)
    return _form_page(role_code, Filled(typed=typed))


@bp.post("/roles/<role_code>")
@requires("identity.manage_roles", fresh=True)
def change_role(role_code: str) -> Response:
    """Propose that a role be otherwise."""
    return _propose(role_code)


@bp.post("/roles/<role_code>/retire")
@requires("identity.manage_roles", fresh=True)
def retire_role(role_code: str) -> Response:
    """Have a role no longer be given to anybody; doing it twice changes nothing more, so it needs no key."""
    form = Retirement.parse(request.form)
    if form.errors:
        raise Invalid(form.errors)
    version, by = form.values.version, actor()
    in_transaction(lambda: service.retire(role_code, version=version, by=by))
    toast("The role is retired.")
    return done(url_for(".roles"))


def _propose(code: str | None) -> Response:
    form = role_sheets.read(request.form, code=code)
    if form.errors:
        return _form_page(code, form, status=422)
    try:
        waits = in_transaction(lambda: _ask(form))
    except StaleRole as stale:
        form.typed["version"] = str(queries.role(code or "").version)
        return _form_page(code, form, status=stale.status, stale=stale)
    except Invalid as refusal:
        form.refuse(refusal)
        return _form_page(code, form, status=refusal.status)
    toast("Proposed. It holds once a second person has approved it." if waits else "It holds from now on.")
    return done(url_for(".roles"))


def _ask(form: Filled[RoleForm]) -> bool:
    """Ask for a decision, once; returns whether somebody has to decide."""
    values, by = form.values, actor()
    asked = once(
        role_changes.NAME, form.key or "", values.model_dump(mode="json"), by=by,
        work=lambda: str(approvals_service.ask(role_changes.NAME, values.sheet, by=by, reason=values.reason)),
    )  # fmt: skip
    return approvals.get(UUID(asked.value)).state is ApprovalState.WAITING


def _form_page(code: str | None, form: Filled[Any], *, status: int = 200, stale: StaleRole | None = None) -> Response:
    return page(
        "identity/role.html",
        status=status,
        role=queries.role(code) if code else None,
        holders=queries.holders_of(code) if code else {},
        form=form,
        stale=stale,
        groups=_groups(),
        reaches=Reach.choices(),
        with_a_limit=WITH_A_LIMIT,
        waiting=approvals.waiting_about(role_changes.SUBJECT),
    )


def _groups() -> list[tuple[str, list[tuple[str, str]]]]:
    """Permissions with their words, by room, in the rooms' order."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for code, label in queries.permission_labels().items():
        room = code.partition(".")[0]
        groups.setdefault(ROOMS.get(room, room.capitalize()), []).append((code, label))
    return sorted(groups.items())
