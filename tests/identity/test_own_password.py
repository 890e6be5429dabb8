"""Changing the own password: the old one is asked for, guessing is counted, other sessions end."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.identity import passwords
from app.identity.models import Staff
from app.kernel.database import db
from tests.harness.people import hire, signed_in_client

OLD, NEW = "four quiet elephants wade", "a goat on every second roof"


@pytest.fixture
def jane(app: Flask) -> UUID:
    return hire("teller", username="jane", password=OLD)


@pytest.fixture
def window(app: Flask, jane: UUID) -> FlaskClient:
    return signed_in_client(app, jane)


def test_the_new_password_counts_and_every_other_session_ends(app: Flask, jane: UUID, window: FlaskClient) -> None:
    elsewhere = signed_in_client(app, jane)

    answer = window.post("/account/password", data={"current": OLD, "new": NEW, "again": NEW})

    assert (answer.status_code, answer.location) == (303, "/")
    assert window.get("/account/password").status_code == 200
    assert elsewhere.get("/account/password").status_code == 303
    assert passwords.matches(db.session.get_one(Staff, jane).password_hash, NEW)


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"current": "wrong", "new": NEW, "again": NEW}, "This is not your current password."),
        ({"current": OLD, "new": NEW, "again": NEW + "!"}, "This differs from the new password above."),
        ({"current": OLD, "new": "short", "again": "short"}, "Use at least 15 characters."),
        ({"current": OLD, "new": OLD, "again": OLD}, "Choose a password that differs"),
        ({"current": OLD, "new": "jane jane jane jane", "again": "jane jane jane jane"}, "too easy to guess"),
        ({"current": OLD, "new": "x" * 400, "again": "x" * 400}, "Use at most 200 characters."),
        ({"current": OLD, "new": "", "again": ""}, "This is needed."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_changes(
    jane: UUID, window: FlaskClient, form: dict[str, str], sentence: str
) -> None:
    answer = window.post("/account/password", data=form)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert NEW not in answer.text
    assert passwords.matches(db.session.get_one(Staff, jane).password_hash, OLD)


def test_blanks_at_the_ends_belong_to_the_password(jane: UUID, window: FlaskClient) -> None:
    spaced = f"  {NEW} "

    window.post("/account/password", data={"current": OLD, "new": spaced, "again": spaced})

    stored = db.session.get_one(Staff, jane).password_hash
    assert passwords.matches(stored, spaced)
    assert not passwords.matches(stored, NEW)


def test_an_unattended_screen_is_no_place_to_guess_at(window: FlaskClient) -> None:
    form = {"current": "wrong", "new": NEW, "again": NEW}

    answers = [window.post("/account/password", data=form).status_code for _ in range(6)]
    right = window.post("/account/password", data=form | {"current": OLD})

    assert answers == [422] * 5 + [429]
    assert right.status_code == 429
