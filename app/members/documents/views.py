"""The tab Documents of a member's profile: what there is, adding, replacing, removing, verifying and fetching."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request, url_for
from flask.sansio.blueprints import BlueprintSetupState
from flask_login import current_user

from app import audit
from app.identity import queries as identity
from app.kernel.errors import Invalid
from app.kernel.files import FilePart, Received
from app.kernel.forms import Filled
from app.kernel.idempotency import once
from app.kernel.transactions import in_transaction
from app.members.documents import queries, service
from app.members.documents.errors import DocumentMissing
from app.members.documents.models import DocumentKind
from app.members.documents.queries import Shown
from app.members.documents.schemas import NewDocument, Removal, Replacement, Verification
from app.web import downloads, uploads
from app.web.access import actor, requires
from app.web.pages import done, page, toast

bp = Blueprint("documents", __name__, url_prefix="/members/<uuid:member_id>")


@bp.get("/documents")
@requires("members.view_documents")
def index(member_id: UUID) -> Response:
    """What the society has of a member, and what it had."""
    return _list(member_id, Filled())


@bp.post("/documents")
@requires("members.add_documents")
@uploads.takes_files()
def add(member_id: UUID) -> Response:
    """Take a file in."""
    form = NewDocument.parse(request.form)
    if form.errors:
        return _list(member_id, form, status=422)
    new, by = form.values, actor()
    try:
        received = uploads.read(service.purpose_of(new.kind))
        _once(
            "members.add_document", form.key, {"member": member_id, **new.model_dump(mode="json")}, received,
            lambda: str(service.add(member_id, new.kind, received, note=new.note, by=by)),
        )  # fmt: skip
    except Invalid as refusal:
        form.refuse(refusal)
        return _list(member_id, form, status=refusal.status)
    toast(f"{new.kind.label} is added. Somebody else must verify it.")
    return done(url_for(".index", member_id=member_id))


@bp.get("/documents/<uuid:document_id>")
@requires("members.view_documents")
def show(member_id: UUID, document_id: UUID) -> Response:
    """One document, and what can be done with it."""
    return _one(member_id, document_id, Filled())


@bp.post("/documents/<uuid:document_id>/replace")
@requires("members.add_documents")
@uploads.takes_files()
def replace(member_id: UUID, document_id: UUID) -> Response:
    """Take a newer file in; the old one stays in the history."""
    form = Replacement.parse(request.form)
    if form.errors:
        return _one(member_id, document_id, form, status=422)
    note, by = form.values.note, actor()
    kind = queries.get(member_id, document_id).document.kind
    try:
        received = uploads.read(service.purpose_of(kind))
        _once(
            "members.replace_document", form.key, {"document": document_id, "note": note}, received,
            lambda: str(service.replace(member_id, document_id, received, note=note, by=by)),
        )  # fmt: skip
    except Invalid as refusal:
        form.refuse(refusal)
        return _one(member_id, document_id, form, status=refusal.status)
    toast(f"{kind.label} is replaced. Somebody else must verify the new one.")
    return done(url_for(".index", member_id=member_id))


@bp.post("/documents/<uuid:document_id>/remove")
@requires("members.add_documents")
def remove(member_id: UUID, document_id: UUID) -> Response:
    """Take a document out of use, with a reason that stays."""
    form = Removal.parse(request.form)
    if form.errors:
        return _one(member_id, document_id, form, status=422)
    reason, by = form.values.reason, actor()
    in_transaction(
        lambda: once(
            "members.remove_document", form.key or "", {"document": document_id, "reason": reason}, by=by,
            work=lambda: service.remove(member_id, document_id, reason=reason, by=by),
        )
    )  # fmt: skip
    toast("The document is removed. Its file is kept as long as the law asks.")
    return done(url_for(".index", member_id=member_id))


@bp.post("/documents/<uuid:document_id>/verify")
@requires("members.verify_documents")
def verify(member_id: UUID, document_id: UUID) -> Response:
    """Mark a document as compared with the paper."""
    form, by = Verification.parse(request.form), actor()
    in_transaction(
        lambda: once(
            "members.verify_document", form.key or "", {"document": document_id}, by=by,
            work=lambda: service.verify(member_id, document_id, by=by),
        )
    )  # fmt: skip
    toast("The document is verified.")
    return done(url_for(".index", member_id=member_id))


@bp.get("/documents/<uuid:document_id>/file")
@requires("members.view_documents")
def download(member_id: UUID, document_id: UUID) -> Response:
    """The file itself, as an attachment; that it was fetched is on record."""
    shown = queries.get(member_id, document_id)
    answer = downloads.deliver(shown.file.id)
    audit.viewed(("member", member_id), by=actor(), what=f"documents.download {shown.document.kind.label}")
    return answer


@bp.get("/documents/<uuid:document_id>/preview")
@requires("members.view_documents")
def preview(member_id: UUID, document_id: UUID) -> Response:
    """The picture of a document that its page shows."""
    return downloads.picture(queries.get(member_id, document_id).file.id, FilePart.PREVIEW)


@bp.get("/documents/<uuid:document_id>/thumbnail")
@requires("members.view_documents")
def thumbnail(member_id: UUID, document_id: UUID) -> Response:
    """The small picture that the list shows."""
    return downloads.picture(queries.get(member_id, document_id).file.id, FilePart.THUMBNAIL)


@bp.get("/photo")
@requires("members.view")
def photo(member_id: UUID) -> Response:
    """The member's face, for whoever serves the member."""
    file_id = queries.photo(member_id)
    if file_id is None:
        raise DocumentMissing
    return downloads.picture(file_id, FilePart.THUMBNAIL)


@bp.record_once
def install(setup: BlueprintSetupState) -> None:
    """Let the head of every page about a member show the photo."""
    setup.app.jinja_env.globals["member_photo"] = _photo_address


def _photo_address(member_id: UUID) -> str | None:
    return url_for("documents.photo", member_id=member_id) if queries.photo(member_id) else None


def _once(operation: str, key: str | None, inputs: dict[str, Any], received: Received, work: Callable[[], str]) -> None:
    """The content is one of the inputs: the same key with another file is not the same request."""
    inputs = {**inputs, "sha256": received.digest.sha256.hex()}
    by = actor()
    in_transaction(lambda: once(operation, key or "", inputs, by=by, work=work))


def _list(member_id: UUID, form: Filled[Any], *, status: int = 200) -> Response:
    shown = queries.of_member(member_id)
    taken = {one.document.kind for one in shown if one.document.stands and one.document.kind.is_one}
    return page(
        "members/documents.html",
        fragment="members/_documents.html" if request.method == "GET" else None,
        status=status,
        member_id=member_id,
        form=form,
        standing=[one for one in shown if one.document.stands],
        ended=[one for one in shown if not one.document.stands],
        are_open=any(one.file.state.is_open for one in shown),
        kinds=[(kind.value, kind.label) for kind in DocumentKind if kind not in taken],
        names=_names(shown),
    )


def _one(member_id: UUID, document_id: UUID, form: Filled[Any], *, status: int = 200) -> Response:
    shown = queries.get(member_id, document_id)
    document = shown.document
    return page(
        "members/document.html",
        status=status,
        member_id=member_id,
        document=document,
        file=shown.file,
        form=form,
        names=_names([shown]),
        may_change=document.stands and current_user.may("members.add_documents"),
        may_verify=document.stands
        and document.verified_at is None
        and shown.file.state.value == "ready"
        and current_user.may("members.verify_documents"),
        is_own=document.added_by == actor().principal,
    )


def _names(shown: list[Shown] | Any) -> dict[str, str]:
    """What those are called who added, verified or ended a document, by how the rows name them."""
    principals = {
        name
        for one in shown
        for name in (one.document.added_by, one.document.verified_by, one.document.ended_by)
        if name and name.startswith("staff:")
    }
    found = identity.names_of([name.partition(":")[2] for name in principals])
    return {name: found.get(name.partition(":")[2], "Somebody who left") for name in principals}
