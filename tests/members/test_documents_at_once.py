"""Many at once: one document for a form sent twenty times, one photo for two officers, and memory that stays flat."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psutil
import requests
from flask import Flask
from sqlalchemy import func, select

from app.kernel import files
from app.kernel.database import db
from app.kernel.files import describe
from app.kernel.files.models import StoredFile
from app.kernel.transactions import in_transaction
from app.members.documents import queries, service
from app.members.documents.errors import AlreadyThere
from app.members.documents.models import DocumentKind, MemberDocument
from app.members.documents.purposes import PHOTO
from tests.harness.browser import Windows, sign_in
from tests.harness.people import hire, signed_in_client
from tests.harness.programs import Stack
from tests.harness.servers import DEMO_PASSWORD
from tests.kernel import specimens as made
from tests.members import examples
from tests.members.test_documents import add

AT_ONCE = 8
LARGE_AT_ONCE = 20
FLAT_MB = 60  # what one web process may grow by; eight threads with a whole file each would take 72 MB, and the copies


def together(work: Callable[[int], Any], times: int) -> list[Any]:
    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(work, range(times)))


def test_a_form_sent_many_times_at_once_adds_one_document(committed_app: Flask) -> None:
    with committed_app.app_context():
        examples.open_books()
        member_id = examples.register()
        officer = hire("officer")
        windows = [signed_in_client(committed_app, officer) for _ in range(AT_ONCE)]
    photo = made.jpeg()

    answers = together(lambda n: add(windows[n], member_id, photo, kind="payslip", key="one key").status_code, AT_ONCE)

    assert answers == [303] * AT_ONCE
    with committed_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(MemberDocument)) == 1
        assert db.session.scalar(select(func.count()).select_from(StoredFile)) == 1


def test_two_officers_who_add_a_photo_at_once_leave_one(committed_app: Flask) -> None:
    with committed_app.app_context():
        examples.open_books()
        member_id = examples.register()
    meet = threading.Barrier(2)

    def work(n: int) -> UUID | str:
        with committed_app.app_context():
            received = files.receive(io.BytesIO(made.jpeg()), name="face.jpg", purpose=PHOTO.name)
            meet.wait()
            try:
                return in_transaction(
                    lambda: service.add(member_id, DocumentKind.PHOTO, received, note=None, by=examples.OFFICER)
                )
            except AlreadyThere:
                return "refused"

    outcomes = together(work, 2)

    assert outcomes.count("refused") == 1
    with committed_app.app_context():
        (shown,) = queries.of_member(member_id)
        assert describe(shown.document.file_id).purpose == "member_photo"


def test_twenty_large_uploads_at_once_do_not_fill_the_memory(stack: Stack, window: Windows) -> None:
    page = window(stack.url)
    sign_in(page, "officer", DEMO_PASSWORD)
    page.goto("/members?q=Mogaka")
    address = page.locator("table tbody a").first.get_attribute("href")
    page.goto(f"{address}/documents")
    token = page.locator("input[name=csrf_token]").first.get_attribute("value")
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    paper = made.pdf(made.with_much_in_it)
    assert len(paper) > 9 * made.MB
    before, largest, over = _web_mb(stack), 0, threading.Event()

    def watch() -> None:
        nonlocal largest
        while not over.wait(0.05):
            largest = max(largest, _web_mb(stack))

    def send(n: int) -> int:
        form = {"key": f"at-once-{n}", "kind": "other", "csrf_token": token}
        answer = requests.post(
            f"{stack.url}{address}/documents",
            data=form,
            files={"file": ("paper.pdf", paper)},
            cookies=cookies,
            headers={"Referer": stack.url},
            allow_redirects=False,
            timeout=120,
        )
        return answer.status_code

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        answers = together(send, LARGE_AT_ONCE)
    finally:
        over.set()
        watcher.join()

    assert answers == [303] * LARGE_AT_ONCE
    assert largest - before < FLAT_MB


def _web_mb(stack: Stack) -> int:
    """The largest of the web processes; those that look into files come and go and have a limit of their own."""
    sizes = [0]
    for process in psutil.Process(stack.pid("web")).children():
        try:
            if "gunicorn" in " ".join(process.cmdline()):
                sizes.append(process.memory_info().rss)
        except psutil.Error:  # it has ended meanwhile
            continue
    return max(sizes) // made.MB
