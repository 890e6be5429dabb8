"""Pages of the register: the list, registering, editing, a change of status. The profile is composed in ``web``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request, url_for
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from app.identity import queries as identity
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.forms import Filled
from app.kernel.idempotency import once
from app.kernel.reach import Reach, Within
from app.kernel.transactions import in_transaction
from app.ledger import queries as ledger
from app.members import followers, queries, rules, service
from app.members.errors import AlreadyRegistered, StaleEdit
from app.members.models import Gender, Language, Relationship
from app.members.schemas import (
    MOST_NEXT_OF_KIN,
    ListFilter,
    MemberDetails,
    MemberEdit,
    StatusChange,
    kin_rows,
    read_details,
    typed_from,
    without_empty_rows,
)
from app.members.states import MEMBER_MOVES, MemberStatus
from app.web import reach, reads
from app.web.access import actor, requires
from app.web.pages import done, page, toast

bp = Blueprint("members", __name__, url_prefix="/members")

MOST_COUNTED = 10_000  # counting further would cost more than the figure is worth
VIEW = "members.view"
IDENTITY = ("national_id", "kra_pin")
ADD_KIN = "add_kin"  # the button that only asks for one more row


@bp.get("")
@requires("members.view")
def index() -> Response:
    """The list of members; its filters stand in the address, so it can be shared and bookmarked."""
    form = ListFilter.parse(request.args)
    if form.errors:
        raise Invalid(form.errors)
    return _list(form.values, status=200)


@bp.post("/find")
@requires("members.view")
def find() -> Response:
    """Narrow the list. What holds a phone or ID number is answered at once: it must not stand in an address."""
    form = ListFilter.parse(request.form)
    if form.errors:
        raise Invalid(form.errors)
    wanted = form.values
    if rules.read_search(wanted.q).is_personal:
        return _list(wanted, status=200)
    return done(_address(wanted))


@bp.get("/new")
@requires("members.register")
def new() -> Response:
    """An empty form."""
    return _details_page("members/new.html", Filled(typed={"branch_id": str(current_user.branch_id), "language": "en"}))


@bp.post("")
@requires("members.register")
def create() -> Response:
    """Register a member."""
    if ADD_KIN in request.form:
        return _details_page("members/new.html", _with_one_more_row(), one_more=True)
    form = read_details(MemberDetails, request.form)
    if form.errors:
        return _details_page("members/new.html", form, status=422)
    details, by, on = form.values, actor(), clock.business_date()
    try:
        made = in_transaction(
            lambda: once(
                "members.register", form.key or "", details.model_dump(mode="json"), by=by,
                work=lambda: str(service.register(details, on=on, by=by)),
            )
        )  # fmt: skip
    except Invalid as refusal:
        return _refused("members/new.html", form, refusal)
    member = queries.get(UUID(made.value))
    toast(f"{member.name} is registered as {member.number}.")
    return done(url_for("profile.show", member_id=member.id))


@bp.get("/<uuid:member_id>/edit")
@requires("members.edit")
def edit(member_id: UUID) -> Response:
    """The form with what stands in the register."""
    profile = queries.profile(member_id)
    return _details_page("members/edit.html", Filled(typed=typed_from(profile)), profile=profile)


@bp.post("/<uuid:member_id>/edit")
@requires("members.edit")
def update(member_id: UUID) -> Response:
    """Save what was corrected."""
    profile = queries.profile(member_id)
    if ADD_KIN in request.form:
        return _details_page("members/edit.html", _with_one_more_row(), profile=profile, one_more=True)
    form = read_details(MemberEdit, _with_identity(request.form, profile))
    if form.errors:
        return _details_page("members/edit.html", form, status=422, profile=profile)
    details, by, on = form.values, actor(), clock.business_date()
    try:
        in_transaction(
            lambda: once(
                "members.edit", form.key or "", {"member": member_id, **details.model_dump(mode="json")}, by=by,
                work=lambda: service.edit(member_id, details, on=on, by=by),
            )
        )  # fmt: skip
    except StaleEdit as stale:
        return _changed_meanwhile(form, stale, member_id)
    except Invalid as refusal:
        return _refused("members/edit.html", form, refusal, profile=queries.profile(member_id))
    toast("Saved.")
    return done(url_for("profile.show", member_id=member_id))


@bp.get("/<uuid:member_id>/status")
@requires("members.change_status")
def status(member_id: UUID) -> Response:
    """What the member's status may become, and what that would mean."""
    return _status_page(member_id, Filled())


@bp.post("/<uuid:member_id>/status")
@requires("members.change_status")
def change_status(member_id: UUID) -> Response:
    """Move the member to another status."""
    form = StatusChange.parse(request.form)
    if form.errors:
        return _status_page(member_id, form, status=422)
    change, by, on = form.values, actor(), clock.business_date()
    in_transaction(
        lambda: once(
            "members.change_status", form.key or "", {"member": member_id, **change.model_dump(mode="json")}, by=by,
            work=lambda: service.change_status(member_id, change, on=on, by=by),
        )
    )  # fmt: skip
    toast(f"The status is now: {change.status.label}.")
    return done(url_for("profile.show", member_id=member_id))


def _list(wanted: ListFilter, *, status: int) -> Response:
    chosen, within = queries.MemberFilter(wanted.q, wanted.status, wanted.branch, wanted.officer), reach.of(VIEW)
    branches, officers = _branch_names(), _officer_names(within)
    found = queries.listing(chosen, within=within, after=wanted.after)
    reads.shown(hit.id for hit in found.items)
    return page(
        "members/index.html",
        status=status,
        wanted=wanted,
        found=found,
        count_words=_count_words(queries.count(chosen, within=within, at_most=MOST_COUNTED + 1)),
        statuses=MemberStatus.choices(),
        branches=branches,
        shows_branches=within.is_everywhere,
        officers=officers,
        chips=_chips(wanted, branches, officers),
        address=_address,
    )


def _branch_names() -> dict[int, str]:
    return {branch.id: branch.name for branch in ledger.branches()}


def _officer_names(within: Within) -> dict[UUID, str]:
    """Who may be chosen to look after members: everybody who works here, or at the branch that the right extends to."""
    return {
        staff.id: staff.name
        for staff in identity.active_staff()
        if within.is_everywhere or staff.branch_id == within.branch_id
    }


def _count_words(count: int) -> str:
    if count > MOST_COUNTED:
        return f"More than {MOST_COUNTED:,} members"
    return "1 member" if count == 1 else f"{count:,} members"


def _address(wanted: ListFilter, **changes: Any) -> str:
    """The list with other filters, from its first page; a phone or ID number never gets into an address."""
    values = wanted.model_dump(mode="json", exclude_defaults=True) | {"after": None} | changes
    if rules.read_search(values.get("q", "") or "").is_personal:
        values.pop("q")
    return url_for(".index", **{name: value for name, value in values.items() if value is not None})


def _chips(wanted: ListFilter, branches: dict[int, str], officers: dict[UUID, str]) -> list[tuple[str, str]]:
    """The filters that are on, each with the address of the list without it."""
    words = {
        "q": wanted.q or None,
        "status": wanted.status.label if wanted.status else None,
        "branch": branches.get(wanted.branch, "Unknown branch") if wanted.branch is not None else None,
        "officer": officers.get(wanted.officer, "Somebody who left") if wanted.officer else None,
    }
    return [(text, _address(wanted, **{name: None})) for name, text in words.items() if text is not None]


def _details_page(
    template: str, form: Filled[Any], *, status: int = 200, one_more: bool = False, **context: Any
) -> Response:
    rows = max(kin_rows(form.typed) + one_more, 1)
    profile: queries.Profile | None = context.get("profile")
    within = reach.of("members.edit" if profile else "members.register")
    staff = list(_officer_names(within).items())
    return page(
        template,
        status=status,
        form=form,
        kin_rows=min(rows, MOST_NEXT_OF_KIN),
        most_kin_rows=MOST_NEXT_OF_KIN,
        genders=Gender.choices(),
        languages=Language.choices(),
        relationships=Relationship.choices(),
        branches=_branch_choices(within, profile),
        officers=staff,
        agents=staff,
        hides_identity=profile is not None and not _sees_identity(profile),
        becomes_the_agent=within.reach is Reach.OWN,
        **context,
    )


def _sees_identity(profile: queries.Profile) -> bool:
    """Whether ID number and KRA PIN are shown in full, and may be corrected."""
    return current_user.may("members.view_identity", profile.member.whereabouts)


def _with_identity(sent: MultiDict[str, str], profile: queries.Profile) -> MultiDict[str, str]:
    """The form with what its sender does not see and leaves as it is. Refuses with Invalid what is sent anyway."""
    if _sees_identity(profile):
        return sent
    refused = {name: "Your role does not change this." for name in IDENTITY if name in sent}
    if refused:
        raise Invalid(refused)
    standing = {name: value for name in IDENTITY if (value := getattr(profile.member, name))}
    return MultiDict([*sent.items(multi=True), *standing.items()])


def _branch_choices(within: Within, profile: queries.Profile | None) -> list[tuple[int, str]]:
    """The branches that a member may be put in: whoever works for one branch leaves a member where the member is."""
    every = _branch_names()
    if within.is_everywhere:
        return list(every.items())
    standing = profile.member.branch_id if profile else within.branch_id
    return [(key, name) for key, name in every.items() if key == standing]


def _with_one_more_row() -> Filled[Any]:
    typed = without_empty_rows(request.form)
    typed.pop(ADD_KIN)
    return Filled(typed=typed, key=request.form.get("key"))


def _refused(template: str, form: Filled[Any], refusal: Invalid, **context: Any) -> Response:
    """The form as it was typed, with what the use case found wrong beside the fields."""
    form.refuse(refusal)
    if isinstance(refusal, AlreadyRegistered):
        existing = queries.get(refusal.member_id)
        context["existing"] = existing if current_user.may(VIEW, existing.whereabouts) else None
    return _details_page(template, form, status=refusal.status, **context)


def _changed_meanwhile(form: Filled[MemberEdit], stale: StaleEdit, member_id: UUID) -> Response:
    """The form as it was typed, and beside each field that differs what stands in the register now.

    Whoever saves again has seen the other's change and means to replace it.
    """
    profile = queries.profile(member_id)
    now = typed_from(profile)
    for name in sorted(now.keys() | form.typed.keys()):
        if name != "version" and now.get(name, "") != form.typed.get(name, "").strip():
            form.errors[name] = f"In the register now: {now.get(name) or 'nothing'}."
    form.typed["version"] = now["version"]
    return _details_page("members/edit.html", form, status=stale.status, profile=profile, stale=stale)


def _status_page(member_id: UUID, form: Filled[Any], *, status: int = 200) -> Response:
    member = queries.get(member_id)
    return page(
        "members/status.html",
        status=status,
        member=member,
        form=form,
        targets=[target for target in MemberStatus if target in MEMBER_MOVES[member.status]],
        history=queries.status_history(member_id),
        in_the_way=followers.in_the_way_of_leaving(member_id),
    )
