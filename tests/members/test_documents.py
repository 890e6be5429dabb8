"""Documents of members as a browser meets them: who may, what is refused, what is shown, and what is sent twice."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from app.audit.models import AuditEvent, RecordView
from app.kernel import clock, files
from app.kernel.database import db
from app.kernel.doorbell import answer
from app.kernel.files import FileState
from app.kernel.files import queries as stored
from app.kernel.files.models import StoredFile, StoredFileChunk
from app.kernel.files.purposes import LARGEST_BYTES
from app.kernel.transactions import in_transaction
from app.members.documents import jobs, service
from app.members.documents.models import MemberDocument
from app.members.states import MemberStatus
from tests.harness.apps import apart
from tests.harness.people import hire, signed_in_client
from tests.kernel import specimens as made
from tests.members import examples

pytestmark = pytest.mark.usefixtures("books")

SignedIn = Callable[[str], FlaskClient]


@pytest.fixture
def member_id(books: Flask) -> UUID:
    return examples.register()


@pytest.fixture
def officer(signed_in: SignedIn) -> FlaskClient:
    return signed_in("officer")


def send(
    client: FlaskClient,
    path: str,
    content: bytes | None = None,
    *,
    name: str = "ID.jpg",
    key: str = "key-1",
    **fields: str,
) -> TestResponse:
    data: dict[str, Any] = {"key": key, **fields}
    if content is not None:
        # What the browser says that it is counts for nothing.
        data["file"] = FileStorage(io.BytesIO(content), name, content_type="text/html")
    boundary, body = encode_multipart(data)  # the client would put a large one into a file and leave it open
    return client.post(path, data=body, content_type=f"multipart/form-data; boundary={boundary}")


def add(client: FlaskClient, member_id: UUID, content: bytes | None = None, **sent: str) -> TestResponse:
    sent.setdefault("kind", "id_front")
    return send(client, f"/members/{member_id}/documents", made.jpeg() if content is None else content, **sent)


def examine_all(app: Flask) -> None:
    for file_id in stored.to_examine():

        def work(file_id: UUID = file_id) -> None:
            with app.app_context():
                answer("files.examine", str(file_id))

        apart(work)
    db.session.expire_all()


def run_daily(app: Flask) -> None:
    def work() -> None:
        with app.app_context():
            jobs.date_retention()

    apart(work)


def documents() -> list[MemberDocument]:
    db.session.expire_all()
    return list(db.session.scalars(select(MemberDocument).order_by(MemberDocument.id)))


def only_path(member_id: UUID) -> str:
    (document,) = documents()
    return f"/members/{member_id}/documents/{document.id}"


def shown_error(answer: TestResponse) -> str:
    found = re.search(r'<p class="error" id="\w+-error">(.*?)</p>', answer.text)
    return found[1] if found else ""


def test_a_document_is_added_checked_shown_and_fetched(app: Flask, officer: FlaskClient, member_id: UUID) -> None:
    answer = add(officer, member_id, note="Renewed in 2025")

    assert (answer.status_code, answer.location) == (303, f"/members/{member_id}/documents")
    page = officer.get(answer.location).text
    assert "National ID, front" in page and "Being checked" in page and "Renewed in 2025" in page
    assert 'hx-trigger="every 3s"' in page

    examine_all(app)

    page = officer.get(answer.location).text
    assert "Not verified" in page and 'hx-trigger="every 3s"' not in page
    path = only_path(member_id)
    assert f'src="{path}/thumbnail"' in page
    fetched = officer.get(f"{path}/file")
    assert fetched.data[:3] == b"\xff\xd8\xff"
    for picture in ("thumbnail", "preview"):
        shown = officer.get(f"{path}/{picture}")
        assert (shown.status_code, shown.mimetype, shown.data[8:12]) == (200, "image/webp", b"WEBP")


def test_a_file_leaves_as_an_attachment_that_nothing_keeps_or_runs(
    app: Flask, officer: FlaskClient, member_id: UUID
) -> None:
    add(officer, member_id, made.pdf(), name="x%0D%0ASet-Cookie: a=b; \u202e<b>.pdf")
    examine_all(app)

    fetched = officer.get(f"{only_path(member_id)}/file")

    assert fetched.mimetype == "application/pdf"
    assert fetched.headers["Content-Disposition"].startswith('attachment; filename="')
    assert fetched.headers["Content-Disposition"].endswith(".pdf")
    assert "a=b" not in fetched.headers.get("Set-Cookie", "")
    assert fetched.headers["Cache-Control"] == "no-store"
    assert fetched.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in fetched.headers["Content-Security-Policy"]
    assert int(fetched.headers["Content-Length"]) == len(fetched.data)


def test_that_a_document_was_fetched_is_on_record(app: Flask, officer: FlaskClient, member_id: UUID) -> None:
    add(officer, member_id)
    examine_all(app)

    officer.get(f"{only_path(member_id)}/file")

    seen = db.session.scalars(select(RecordView.what).where(RecordView.subject_id == str(member_id))).all()
    assert "documents.download National ID, front" in seen
    actions = db.session.scalars(select(AuditEvent.action).where(AuditEvent.subject_id == str(member_id))).all()
    assert "members.document_added" in actions


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"content": b"<!DOCTYPE html>", "name": "ID.pdf"}, "The content of this file is not what its name says."),
        ({"content": b"<svg/>", "name": "ID.svg"}, "This is not a kind of file that is taken here."),
        ({"content": b"", "name": "ID.jpg"}, "Choose a file; an empty one says nothing."),
        ({"content": made.jpeg(), "name": ""}, "Choose a file."),
        ({"content": made.png_that_declares(20_000, 20_000), "name": "ID.png"}, "more than 50 million pixels"),
        ({"content": made.pdf(), "name": "face.pdf", "kind": "photo"}, "ends in .jpg, .png or .webp."),
        ({"content": bytes(LARGEST_BYTES + 1), "name": "ID.pdf"}, "This file is larger than 10 MB."),
    ],
)
def test_what_is_not_a_paper_is_refused_beside_the_field(
    officer: FlaskClient, member_id: UUID, sent: dict[str, Any], sentence: str
) -> None:
    answer = add(officer, member_id, note="kept", **sent)

    assert answer.status_code in (413, 422)
    assert sentence in shown_error(answer)
    assert 'value="kept"' in answer.text
    assert documents() == []
    assert db.session.scalars(select(StoredFileChunk.number)).all() == []


@pytest.mark.parametrize("fields", [{"kind": "passport"}, {"kind": ""}, {"kind": "other", "note": "x" * 121}])
def test_bad_fields_are_said(officer: FlaskClient, member_id: UUID, fields: dict[str, str]) -> None:
    answer = add(officer, member_id, **fields)

    assert (answer.status_code, shown_error(answer) != "") == (422, True)
    assert documents() == []


def test_a_form_without_a_file_is_refused(officer: FlaskClient, member_id: UUID) -> None:
    answer = officer.post(f"/members/{member_id}/documents", data={"key": "k", "kind": "id_front"})

    assert (answer.status_code, shown_error(answer)) == (422, "Choose a file.")


def test_a_request_beyond_what_a_file_needs_is_cut_off(officer: FlaskClient, member_id: UUID) -> None:
    answer = add(officer, member_id, bytes(LARGEST_BYTES + 100_000), name="ID.pdf")

    assert answer.status_code == 413
    assert "This is too large" in answer.text and "Nothing was saved" in answer.text


def test_other_forms_stay_small(officer: FlaskClient, member_id: UUID) -> None:
    answer = officer.post(f"/members/{member_id}/status", data={"reason": "x" * 1_000_001})

    assert answer.status_code == 413


def test_a_stranger_may_not_send_much(client: FlaskClient, member_id: UUID) -> None:
    assert add(client, member_id, bytes(2_000_000), name="ID.pdf").status_code == 413


def test_nonsense_instead_of_a_form_is_refused(officer: FlaskClient, member_id: UUID) -> None:
    answer = officer.post(
        f"/members/{member_id}/documents", data=b"--x\r\nnothing", content_type="multipart/form-data; boundary=x"
    )

    assert answer.status_code in (400, 422)
    assert documents() == []


def test_the_same_form_sent_twice_adds_one_document(officer: FlaskClient, member_id: UUID) -> None:
    first, again = add(officer, member_id, kind="payslip"), add(officer, member_id, kind="payslip")
    other_file = add(officer, member_id, made.png(), name="ID.png", kind="payslip")

    assert (first.status_code, again.status_code, other_file.status_code) == (303, 303, 422)
    assert len(documents()) == 1
    assert len(db.session.scalars(select(StoredFile.id)).all()) == 1


def test_there_is_one_photo_at_a_time_and_any_number_of_payslips(officer: FlaskClient, member_id: UUID) -> None:
    assert add(officer, member_id, key="a", kind="photo").status_code == 303
    second = add(officer, member_id, key="b", kind="photo")
    assert (second.status_code, "Open it and replace it" in shown_error(second)) == (409, True)

    for key in ("c", "d"):
        assert add(officer, member_id, key=key, kind="payslip").status_code == 303
    assert [document.kind.value for document in documents()] == ["photo", "payslip", "payslip"]


def test_a_replaced_document_stays_in_the_history(app: Flask, officer: FlaskClient, member_id: UUID) -> None:
    add(officer, member_id)
    path = only_path(member_id)

    answer = send(officer, f"{path}/replace", made.jpeg(color="red"), key="key-2")

    assert answer.status_code == 303
    old, new = documents()
    assert (old.stands, old.end_reason, new.replaces_id, new.stands) == (False, service.REPLACED, old.id, True)
    examine_all(app)
    page = officer.get(f"/members/{member_id}/documents").text
    assert "Removed and replaced (1)" in page
    assert officer.get(f"{path}/file").status_code == 200
    again = send(officer, f"{path}/replace", made.jpeg(), key="key-3")
    assert (again.status_code, "removed or replaced meanwhile" in again.text) == (409, True)


def test_a_removed_document_keeps_its_file_and_the_reason(app: Flask, officer: FlaskClient, member_id: UUID) -> None:
    add(officer, member_id)
    examine_all(app)
    path = only_path(member_id)

    short = officer.post(f"{path}/remove", data={"key": "r", "reason": "no"})
    assert (short.status_code, shown_error(short) != "") == (422, True)
    removed = officer.post(f"{path}/remove", data={"key": "r", "reason": "Belongs to another member"})

    assert removed.status_code == 303
    (document,) = documents()
    assert (document.stands, document.end_reason) == (False, "Belongs to another member")
    assert files.describe(document.file_id).state is FileState.READY
    assert "Belongs to another member" in officer.get(f"/members/{member_id}/documents").text


def test_a_second_person_verifies(app: Flask, officer: FlaskClient, signed_in: SignedIn, member_id: UUID) -> None:
    add(officer, member_id)
    path = only_path(member_id)
    colleague = signed_in("officer")
    too_early = colleague.post(f"{path}/verify", data={"key": "v0"})
    assert (too_early.status_code, "cannot be verified" in too_early.text) == (409, True)
    examine_all(app)

    own = officer.post(f"{path}/verify", data={"key": "v1"})
    assert (own.status_code, "somebody else must verify it" in own.text) == (409, True)
    assert "Verify: it agrees" not in officer.get(path).text
    assert "Verify: it agrees" in colleague.get(path).text

    assert colleague.post(f"{path}/verify", data={"key": "v2"}).status_code == 303
    assert "Verified" in officer.get(f"/members/{member_id}/documents").text
    again = signed_in("manager").post(f"{path}/verify", data={"key": "v3"})
    assert (again.status_code, "verified already" in again.text) == (409, True)


def test_the_database_itself_refuses_whoever_verifies_their_own(
    app: Flask, officer: FlaskClient, member_id: UUID
) -> None:
    add(officer, member_id)
    (document,) = documents()

    with pytest.raises(Exception, match="ck_member_document_second_person"):
        in_transaction(
            lambda: db.session.execute(
                update(MemberDocument).values(verified_by=document.added_by, verified_at=clock.now())
            )
        )


def test_the_photo_shows_in_the_head_of_the_profile(app: Flask, officer: FlaskClient, member_id: UUID) -> None:
    assert officer.get(f"/members/{member_id}/photo").status_code == 404
    assert "/photo" not in officer.get(f"/members/{member_id}").text

    add(officer, member_id, made.noisy_jpeg((800, 1000)), kind="photo")
    examine_all(app)

    page = officer.get(f"/members/{member_id}").text
    assert re.search(rf'<img class="face" src="/members/{member_id}/photo" alt="" [^>]*loading="lazy"', page)
    face = officer.get(f"/members/{member_id}/photo")
    assert (face.mimetype, len(face.data) <= 3_000) == ("image/webp", True)
    assert face.headers["Cache-Control"] == "no-store"


def test_a_document_is_not_reached_through_another_member(app: Flask, officer: FlaskClient, member_id: UUID) -> None:
    add(officer, member_id)
    examine_all(app)
    (document,) = documents()
    other = examples.register()

    for part in ("", "/file", "/preview", "/thumbnail"):
        assert officer.get(f"/members/{other}/documents/{document.id}{part}").status_code == 404
    assert officer.post(f"/members/{other}/documents/{document.id}/verify", data={"key": "v"}).status_code == 404


def test_another_branch_sees_no_documents(app: Flask, signed_in: SignedIn, officer: FlaskClient) -> None:
    far = examples.register(branch_id=examples.found_branch())
    administrator = signed_in("administrator")
    add(administrator, far)
    examine_all(app)
    path = only_path(far)

    for address in (f"/members/{far}/documents", path, f"{path}/file", f"{path}/preview", f"/members/{far}/photo"):
        assert officer.get(address).status_code == 404, address
    assert add(officer, far, key="key-9").status_code == 404
    assert administrator.get(f"{path}/file").status_code == 200


@pytest.mark.parametrize("role", ["accountant"])
def test_who_may_not_see_documents_gets_none(
    app: Flask, signed_in: SignedIn, officer: FlaskClient, member_id: UUID, role: str
) -> None:
    add(officer, member_id)
    examine_all(app)
    path = only_path(member_id)
    other = signed_in(role)

    for address in (f"/members/{member_id}/documents", path, f"{path}/file", f"{path}/preview", f"{path}/thumbnail"):
        assert other.get(address).status_code == 403, address
    assert "Documents" not in other.get(f"/members/{member_id}").text


def test_a_photo_that_was_altered_in_the_store_is_not_shown(app: Flask, officer: FlaskClient, member_id: UUID) -> None:
    add(officer, member_id)
    examine_all(app)
    in_transaction(lambda: db.session.execute(update(StoredFileChunk).values(sealed=b"x" * 300)))

    answer = officer.get(f"{only_path(member_id)}/file")

    assert answer.status_code == 500
    assert "damaged or altered" in answer.text and b"\xff\xd8" not in answer.data


def test_files_of_who_left_go_seven_years_later(app: Flask, officer: FlaskClient, member_id: UUID) -> None:
    add(officer, member_id)
    stayed = examples.register()
    add(officer, stayed, key="key-2")
    (gone, kept) = documents()
    on = clock.business_date()
    examples.change_status(member_id, MemberStatus.EXIT_NOTICE)
    examples.change_status(member_id, MemberStatus.EXITED)

    run_daily(app)

    db.session.expire_all()
    until = files.describe(gone.file_id).keep_until
    assert until is not None and until.date() == on.replace(year=on.year + 7)
    assert files.describe(kept.file_id).keep_until is None


def test_who_was_declared_dead_by_mistake_keeps_their_papers(app: Flask, officer: FlaskClient, member_id: UUID) -> None:
    add(officer, member_id)
    (document,) = documents()
    examples.change_status(member_id, MemberStatus.DECEASED)
    run_daily(app)
    db.session.expire_all()
    assert files.describe(document.file_id).keep_until is not None

    examples.change_status(member_id, MemberStatus.ACTIVE)
    run_daily(app)

    db.session.expire_all()
    assert files.describe(document.file_id).keep_until is None


def test_a_document_page_asks_again_only_for_the_part_that_changes(officer: FlaskClient, member_id: UUID) -> None:
    add(officer, member_id)

    part = officer.get(f"/members/{member_id}/documents", headers={"HX-Request": "true"})

    assert part.text.lstrip().startswith(f'<section id="member-documents-{member_id}"')
    assert part.headers["Vary"].find("HX-Request") >= 0


def test_an_agent_takes_papers_of_the_members_looked_after_only(app: Flask, member_id: UUID) -> None:
    agent = hire("agent")

    assert add(signed_in_client(app, agent), member_id).status_code == 404
