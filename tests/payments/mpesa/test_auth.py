"""Tokens: one for all, fetched by one at a time, on a database that really commits."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from app.kernel.database import db
from app.kernel.transactions import in_transaction
from app.payments.rails import Outcome
from app.payments.rails.mpesa import auth
from app.payments.rails.mpesa.auth import MpesaAuthService, NoToken
from app.payments.rails.mpesa.client import DarajaClient, Timeouts
from app.payments.rails.mpesa.codes import Again
from app.payments.rails.mpesa.configuration import Configuration
from app.payments.rails.mpesa.models import MpesaToken
from tests.payments.mpesa.fake_daraja import Asked, Said, fake_daraja

CALLERS = 20


def service(url: str, *, key: str = "key") -> MpesaAuthService:
    paybill = Configuration("174379", url, "http://127.0.0.1", consumer_key=key, consumer_secret="secret")
    return MpesaAuthService(paybill, DarajaClient(url, timeouts=Timeouts(1, 5)))


def issuing(*, slowly: float = 0.0, lifetime: str = "3599"):
    """Tokens t1, t2, … each after a moment."""
    numbers = itertools.count(1)

    def script(_asked: Asked) -> Said:
        time.sleep(slowly)
        return Said.json({"access_token": f"t{next(numbers)}", "expires_in": lifetime})

    return script


def stored(url: str) -> MpesaToken | None:
    name = Configuration("174379", url, "", consumer_key="key").token_name
    return db.session.get(MpesaToken, name, populate_existing=True)


def test_twenty_callers_fetch_one_token(committed_app):
    start = threading.Barrier(CALLERS)

    def call(url: str) -> str:
        with committed_app.app_context():
            start.wait()
            return service(url).token()

    with fake_daraja(issuing(slowly=0.3)) as fake, ThreadPoolExecutor(CALLERS) as pool:
        tokens = list(pool.map(call, [fake.url] * CALLERS))

    assert set(tokens) == {"t1"}
    assert len(fake.asked) == 1


def test_while_one_fetches_the_next_token_the_others_use_the_old_one(committed_app, clock):
    def call(url: str) -> str:
        with committed_app.app_context():
            return service(url).token()

    with fake_daraja(issuing(slowly=0.5)) as fake, ThreadPoolExecutor(CALLERS) as pool:
        assert call(fake.url) == "t1"
        clock.forward(seconds=3599 - 200)
        tokens = list(pool.map(call, [fake.url] * CALLERS))

    assert sorted(set(tokens)) == ["t1", "t2"]
    assert len(fake.asked) == 2


def test_a_holder_that_dies_holds_nobody_up_for_longer_than_its_lease(app, clock):
    with fake_daraja(issuing()) as fake:
        name = Configuration("174379", fake.url, "", consumer_key="key").token_name
        assert in_transaction(lambda: auth._claim(name)) is not None

        clock.forward(seconds=auth.LEASE_SECONDS + 1)

        assert service(fake.url).token() == "t1"


def test_a_holder_that_was_overtaken_does_not_store_its_token(app, clock):
    with fake_daraja(issuing()) as fake:
        name = Configuration("174379", fake.url, "", consumer_key="key").token_name
        slow = in_transaction(lambda: auth._claim(name))
        clock.forward(seconds=auth.LEASE_SECONDS + 1)
        service(fake.url).token()

        in_transaction(lambda: auth._store(name, slow, auth.Token("late", 3599)))

        assert stored(fake.url).token == "t1"


def test_a_rejected_token_is_dropped_only_if_it_is_still_the_stored_one(app):
    with fake_daraja(issuing()) as fake:
        tokens = service(fake.url)
        assert tokens.token() == "t1"

        tokens.drop("t0")
        assert tokens.token() == "t1"

        tokens.drop("t1")
        assert tokens.token() == "t2"


def test_a_token_is_encrypted_in_the_database(app):
    with fake_daraja(issuing()) as fake:
        service(fake.url).token()

    raw = db.session.execute(db.text("select token_encrypted from mpesa_token")).scalar_one()
    assert b"t1" not in bytes(raw)


def test_each_consumer_key_has_its_own_token(app):
    with fake_daraja(issuing()) as fake:
        assert [service(fake.url, key="a").token(), service(fake.url, key="b").token()] == ["t1", "t2"]


def test_wrong_keys_are_a_matter_of_settings(app):
    with fake_daraja(lambda asked: Said(400)) as fake, pytest.raises(NoToken) as refused:
        service(fake.url).token()

    assert refused.value.meaning.again is Again.SETUP
    assert refused.value.meaning.outcome is Outcome.FAILED


def test_a_failed_fetch_is_a_pause_and_is_not_kept(app, clock):
    answers = iter([Said(503), Said.json({"access_token": "t1", "expires_in": 3600})])
    with fake_daraja(lambda asked: next(answers)) as fake:
        with pytest.raises(NoToken) as refused:
            service(fake.url).token()
        clock.forward(seconds=auth.PAUSE_AFTER_TROUBLE / timedelta(seconds=1) + 1)

        assert service(fake.url).token() == "t1"
    assert refused.value.meaning.outcome is Outcome.WAIT


def test_while_the_old_token_is_good_a_failed_fetch_does_not_matter(app, clock):
    answers = iter([Said.json({"access_token": "t1", "expires_in": 3600}), Said(503)])
    with fake_daraja(lambda asked: next(answers)) as fake:
        service(fake.url).token()
        clock.forward(seconds=3600 - 200)

        assert service(fake.url).token() == "t1"
        assert service(fake.url).token() == "t1"
    assert len(fake.asked) == 2


def test_a_token_that_lives_for_seconds_is_used_and_refreshed(app, clock):
    with fake_daraja(issuing(lifetime="5")) as fake:
        assert service(fake.url).token() == "t1"
        assert service(fake.url).token() == "t1"

        clock.forward(seconds=4)

        assert service(fake.url).token() == "t2"


def test_a_test_of_the_connection_fetches_afresh_and_tells_of_wrong_keys(app):
    answers = iter([Said.json({"access_token": "t1", "expires_in": 3600}), Said(400)])
    with fake_daraja(lambda asked: next(answers)) as fake:
        service(fake.url).token()

        with pytest.raises(NoToken, match="key or secret"):
            service(fake.url).renew()
