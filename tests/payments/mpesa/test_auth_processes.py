"""A worker that is killed while it fetches a token: real processes, a real SIGKILL."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading

from app.kernel.database import db
from app.payments.rails.mpesa import auth
from app.payments.rails.mpesa.models import MpesaToken
from config import Settings
from tests.harness.apps import dispose, make_app
from tests.payments.mpesa.fake_daraja import Asked, Said, fake_daraja
from tests.payments.mpesa.test_auth import service

CALLERS = 3


def _fetch(settings: Settings, url: str, said: object) -> None:
    """What a worker's process does: one call for a token."""
    app = make_app(settings)
    with app.app_context():
        said.put(service(url).token())  # type: ignore[attr-defined]  # a queue of multiprocessing
    dispose(app)


def test_after_a_kill_one_of_the_others_fetches(committed_app, clock):
    settings, spawn = committed_app.extensions["settings"], multiprocessing.get_context("spawn")
    said, asked_first, go_on = spawn.Queue(), threading.Event(), threading.Event()

    def script(_asked: Asked) -> Said:
        if not asked_first.is_set():  # the first fetch never gets its answer
            asked_first.set()
            go_on.wait(60)
            return Said(None)
        return Said.json({"access_token": "t2", "expires_in": "3599"})

    with fake_daraja(script) as fake:
        victim = spawn.Process(target=_fetch, args=(settings, fake.url, said))
        victim.start()
        assert asked_first.wait(60)
        os.kill(victim.pid, signal.SIGKILL)
        victim.join()

        with committed_app.app_context():  # what waiting for the lease to run out would do
            row = db.session.query(MpesaToken).one()
            assert row.leased_until is not None
            row.leased_until = clock.forward(seconds=-1)
            db.session.commit()
        clock.run()
        others = [spawn.Process(target=_fetch, args=(settings, fake.url, said)) for _ in range(CALLERS)]
        for other in others:
            other.start()
        tokens = [said.get(timeout=120) for _ in others]
        for other in others:
            other.join()
        go_on.set()

    assert set(tokens) == {"t2"}
    assert len(fake.asked) == 2
    assert auth.LEASE_SECONDS < 120  # nobody is held up for longer than the sweep's promise
