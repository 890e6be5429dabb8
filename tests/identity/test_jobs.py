"""Housekeeping: what no longer counts is forgotten, what still does is not."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select

from app.identity import jobs
from app.identity.models import SignInCounter, StaffSession
from app.identity.service import sign_in
from app.kernel.database import db
from app.kernel.transactions import in_transaction
from tests.harness.apps import apart
from tests.harness.clock import SettableClock
from tests.harness.people import hire, signed_in_client


def test_old_counters_and_sessions_are_forgotten(app: Flask, clock: SettableClock) -> None:
    clock.set("2026-08-01T06:00+00:00")
    somebody = hire("teller")
    signed_in_client(app, somebody)
    in_transaction(lambda: sign_in.count_try("jane", address="10.0.0.1"))
    clock.set("2026-11-22T06:00+00:00")
    signed_in_client(app, somebody)
    in_transaction(lambda: sign_in.count_try("grace", address=None))

    apart(lambda: _in_context(app))

    assert len(db.session.scalars(select(SignInCounter.kind)).all()) == 1
    assert len(db.session.scalars(select(StaffSession.id)).all()) == 1


def _in_context(app: Flask) -> None:
    with app.app_context():
        jobs.forget_old_sign_ins()
