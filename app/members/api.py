"""Members: find and read them, register them, correct what the register says, change their status."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from flask import Blueprint, url_for
from pydantic import Field, create_model

from app.api import parameters
from app.api.access import api_actor
from app.api.answers import Created
from app.api.endpoints import carry_out, scoped
from app.kernel import clock
from app.kernel.fields import PlainLine
from app.kernel.forms import Form
from app.kernel.transactions import in_transaction
from app.members import answers, queries, service
from app.members.answers import MemberAnswer, MemberPage, MemberRegistered, MembersFound
from app.members.errors import AlreadyRegistered, MemberMissing, MoveRefused, NotClear
from app.members.models import PhonePurpose
from app.members.queries import MemberFilter, Profile
from app.members.schemas import KIN, KinRow, MemberDetails, MemberEdit, StatusChange
from app.members.states import MemberStatus
from app.web import reach, reads

bp = Blueprint("members_api", __name__, url_prefix="/api/members")

MOST_FOUND = 25
_PLAIN = (
    "first_name", "middle_name", "last_name", "national_id", "kra_pin", "born_on", "gender", "language",
    "branch_id", "officer_id", "agent_id", "employer",
)  # fmt: skip


class MemberQuery(parameters.Paged):
    """What the list of members is narrowed to. Names, phones and ID numbers are searched for, see ``/search``."""

    status: MemberStatus | None = None
    branch: Annotated[int, Field(ge=1, le=2**31 - 1, description="The branch's id."), parameters.WHOLE] | None = None
    officer: UUID | None = Field(default=None, description="The id of the loan officer.")


class MemberSearch(Form):
    """Part of a name, a member number, a phone (whole or its end) or an ID number. It stands in no address or log."""

    text: Annotated[PlainLine, Field(min_length=1, max_length=80, examples=["wanjiru"])]
    limit: Annotated[int, Field(ge=1, le=MOST_FOUND)] = 10


_LEFT_OUT: dict[str, Any] = {
    # The default is never looked at: what was not sent is not read.
    name: Annotated[field.annotation, *field.metadata, Field(default_factory=object)]
    for name, field in MemberDetails.model_fields.items()
}
MemberChanges = create_model(
    "MemberChanges",
    __base__=Form,
    __doc__="What is to be changed. What is left out stays as it is; null empties a field that may be empty.",
    **_LEFT_OUT,
)


class StatusBody(Form):
    """A move from one status to another, and why."""

    status: MemberStatus
    reason: Annotated[PlainLine, Field(min_length=5, max_length=300)]


def _version(member_id: UUID) -> int:
    return queries.get(member_id).version


@bp.get("")
@scoped("members.read", query=MemberQuery, answer=MemberPage)
def index(query: MemberQuery) -> MemberPage:
    """The members within reach, newest number first."""
    wanted = MemberFilter(status=query.status, branch_id=query.branch, officer_id=query.officer)
    found = queries.listing(wanted, within=reach.of("members.view"), after=query.after, size=query.limit)
    reads.shown(hit.id for hit in found.items)
    return MemberPage.of(found, answers.row)


@bp.post("/search")
@scoped("members.read", body=MemberSearch, answer=MembersFound, only_reads=True)
def search(body: MemberSearch) -> MembersFound:
    """Find members by a name, number, phone or ID number.

    A POST, so that what identifies somebody stands in no address. It changes nothing.
    """
    found = queries.search(body.text, body.limit, within=reach.of("members.view"))
    reads.shown(hit.id for hit in found)
    return MembersFound.of(found, answers.row)


@bp.get("/<uuid:member_id>")
@scoped("members.read", answer=MemberAnswer, version=_version, refuses=(MemberMissing,))
def show(member_id: UUID) -> MemberAnswer:
    """One member, by id."""
    return answers.member(queries.profile(member_id))


@bp.get("/by-number/<member_number>")
@scoped("members.read", answer=MemberAnswer, refuses=(MemberMissing,))
def by_number(member_number: str) -> MemberAnswer:
    """One member, by number."""
    found = queries.by_number(member_number)
    if found is None:
        raise MemberMissing
    return answers.member(queries.profile(found))


@bp.post("")
@scoped(
    "members.write",
    permission="members.register",
    body=MemberDetails,
    answer=MemberRegistered,
    status=201,
    refuses=(AlreadyRegistered,),
)
def register(body: MemberDetails, key: str | None) -> Created:
    """Register a member."""
    on, by = clock.business_date(), api_actor()

    def work() -> dict[str, Any]:
        member = queries.get(service.register(body, on=on, by=by))
        return MemberRegistered(id=member.id, number=member.number).model_dump(mode="json")

    made = carry_out("members.register", key, body.model_dump(mode="json"), work)
    return Created(made, url_for(".show", member_id=made.value["id"]))


@bp.patch("/<uuid:member_id>")
@scoped(
    "members.write",
    permission="members.edit",
    body=MemberChanges,
    answer=MemberAnswer,
    version=_version,
    refuses=(MemberMissing, AlreadyRegistered),
)
def edit(member_id: UUID, body: Form, version: int) -> MemberAnswer:
    """Correct what the register says about a member."""
    sent = {name: getattr(body, name) for name in body.model_fields_set}
    details = MemberEdit.parse_json(_standing(queries.profile(member_id)) | sent | {"version": version})
    on, by = clock.business_date(), api_actor()
    in_transaction(lambda: service.edit(member_id, details, on=on, by=by))
    return answers.member(queries.profile(member_id))


@bp.put("/<uuid:member_id>/status")
@scoped(
    "members.write",
    permission="members.change_status",
    body=StatusBody,
    answer=MemberAnswer,
    version=_version,
    refuses=(MemberMissing, MoveRefused, NotClear),
)
def change_status(member_id: UUID, body: StatusBody, version: int) -> MemberAnswer:
    """Move a member to another status, with a reason that stays in the history."""
    change = StatusChange(status=body.status, reason=body.reason, version=version)
    on, by = clock.business_date(), api_actor()
    in_transaction(lambda: service.change_status(member_id, change, on=on, by=by))
    return answers.member(queries.profile(member_id))


def _standing(profile: Profile) -> dict[str, Any]:
    """What the register says now, as the fields of an edit."""
    phones = {number.purpose: number.phone for number in profile.phones}
    payment_phone = phones.get(PhonePurpose.PAYMENT)
    return {
        **{name: getattr(profile.member, name) for name in _PLAIN},
        **({"payment_phone": payment_phone} if payment_phone else {}),  # there is none once it was taken away
        "contact_phone": phones.get(PhonePurpose.CONTACT),
        KIN: tuple(KinRow.model_validate(_kin(kin)) for kin in profile.next_of_kin),
    }


def _kin(kin: Any) -> dict[str, Any]:
    return {name: getattr(kin, name) for name in KinRow.model_fields}
