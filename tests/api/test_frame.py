"""What every endpoint has in common: how bodies are read, how requests are repeated, how problems are told."""

from __future__ import annotations

import logging

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.api.bodies import LARGEST_BODY
from tests.api.conftest import effects

TRANSFERS = "/api/probe/transfers"
Headers = dict[str, str]


def send(api: FlaskClient, headers: Headers, body: str | bytes, *, key: str | None = "k1", **more: str) -> TestResponse:
    given = {"Content-Type": "application/json", **headers, **more}
    return api.post(TRANSFERS, data=body, headers=given | ({"Idempotency-Key": key} if key is not None else {}))


def is_problem(answer: TestResponse, status: int, code: str) -> bool:
    """Every problem has the same members, whatever went wrong."""
    assert answer.mimetype == "application/problem+json", answer.text
    assert set(answer.json) == {"type", "title", "status", "detail", "errors", "request_id"}
    assert answer.json["status"] == answer.status_code
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    return (answer.status_code, answer.json["type"]) == (status, f"urn:pamoja:problem:{code}")


def test_a_request_takes_effect_and_says_who_did_it(api: FlaskClient, bearer: Headers) -> None:
    answer = send(api, bearer, '{"amount": "1,250.50", "note": "asante"}', key="first")

    assert answer.status_code == 202
    assert answer.json["amount"] == "1250.50"
    assert answer.json["by"].startswith("staff:")
    assert "Idempotent-Replayed" not in answer.headers
    assert effects == ["KES 1,250.50"]


def test_the_same_request_again_gets_the_first_answer(api: FlaskClient, bearer: Headers) -> None:
    first = send(api, bearer, '{"amount": "10"}', key="again")
    second = send(api, bearer, '{"note": "", "amount": 10}', key="again")

    assert (second.status_code, second.json) == (first.status_code, first.json)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert effects == ["KES 10.00"]


def test_the_same_key_with_another_body_is_refused(api: FlaskClient, bearer: Headers) -> None:
    send(api, bearer, '{"amount": "10"}', key="other")

    assert is_problem(send(api, bearer, '{"amount": "11"}', key="other"), 422, "idempotency_key_reused")
    assert effects == ["KES 10.00"]


@pytest.mark.parametrize("key", [None, "", "   ", "x" * 201, "k\u00e4se"])
def test_money_does_not_move_without_a_usable_key(api: FlaskClient, bearer: Headers, key: str | None) -> None:
    assert is_problem(send(api, bearer, '{"amount": "10"}', key=key), 400, "idempotency_key_needed")
    assert effects == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"amount": 10.5}', "amount"),
        ('{"amount": 1e3}', "amount"),
        ('{"amount": "1e3"}', "amount"),
        ('{"amount": true}', "amount"),
        ('{"amount": [10]}', "amount"),
        ('{"amount": {"$gt": 0}}', "amount"),
        ('{"amount": "10.555"}', "amount"),
        ('{"amount": "0"}', "amount"),
        ('{"amount": -5}', "amount"),
        ('{"amount": null}', "amount"),
        ('{"amount": 9223372036854775807}', "amount"),
        ('{"amount": "1_000"}', "amount"),
        ("{}", "amount"),
        ('{"amount": "10", "note": 5}', "note"),
        ('{"amount": "10", "note": "' + "x" * 21 + '"}', "note"),
        ('{"amount": "10", "balance": "1"}', "balance"),
        ("[]", "body"),
        ("null", "body"),
        ('"text"', "body"),
    ],
)
def test_wrong_fields_are_named_and_nothing_is_done(api: FlaskClient, bearer: Headers, body: str, field: str) -> None:
    answer = send(api, bearer, body)

    assert is_problem(answer, 422, "invalid")
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert all(error["detail"].endswith(".") for error in answer.json["errors"])
    assert effects == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"amount=10",
        b'{"amount": "10", "amount": "99"}',
        b'{"amount": NaN}',
        b'{"amount": Infinity}',
        b'{"note": "\\u0000"}',
        b'{"note": "\\ud800"}',
        b'{"note": "\xff"}',
        b"\xef\xbb\xbf{}",
        b"[" * 60_000,
        b'{"amount": ' + b"9" * 60_000 + b"}",
    ],
)
def test_what_is_not_one_clear_json_is_not_read(api: FlaskClient, bearer: Headers, body: bytes) -> None:
    assert is_problem(send(api, bearer, body), 400, "malformed_request")
    assert effects == []


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "text/json"]
)
def test_only_json_is_read(api: FlaskClient, bearer: Headers, kind: str) -> None:
    assert is_problem(send(api, bearer, '{"amount": "10"}', **{"Content-Type": kind}), 415, "unsupported_media_type")


def test_a_charset_in_the_type_does_no_harm_and_compression_is_refused(api: FlaskClient, bearer: Headers) -> None:
    declared = {"Content-Type": "application/json; charset=utf-8"}

    assert send(api, bearer, '{"amount": "10"}', **declared).status_code == 202
    assert send(api, bearer, '{"amount": "10"}', **{"Content-Encoding": "gzip"}).status_code == 415


def test_a_body_that_is_too_long_is_refused_by_its_length(api: FlaskClient, bearer: Headers) -> None:
    fits = b'{"amount": "10", "note": ""}'.ljust(LARGEST_BODY)

    assert send(api, bearer, fits).status_code == 202
    assert is_problem(send(api, bearer, fits + b" "), 413, "body_too_large")


def test_what_the_router_refuses_is_told_in_the_same_shape(api: FlaskClient, bearer: Headers) -> None:
    missing, method = api.get("/api/nothing/here"), api.get(TRANSFERS, headers=bearer)

    assert is_problem(missing, 404, "not_found")
    assert is_problem(method, 405, "method_not_allowed")
    assert set(method.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}
    assert "Home" not in missing.text


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("missing", 404, "not_found"),
        ("conflict", 409, "conflict"),
        ("busy", 429, "too_many_requests"),
        ("outside", 503, "trouble"),
        ("mistake", 500, "mistake"),
    ],
)
def test_every_kind_of_error_has_its_status(api: FlaskClient, kind: str, status: int, code: str) -> None:
    answer = api.get(f"/api/probe/trouble/{kind}")

    assert is_problem(answer, status, code)
    assert "pmj_" not in answer.text
    assert "ZeroDivision" not in answer.text


def test_who_must_wait_is_told_how_long(api: FlaskClient) -> None:
    assert api.get("/api/probe/trouble/busy").headers["Retry-After"] == "40"


def test_a_mistake_of_ours_is_logged_under_the_id_that_is_shown(
    api: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = api.get("/api/probe/trouble/mistake")

    assert len([record for record in caplog.records if record.exc_info]) == 1
    assert answer.json["request_id"]


def test_cookies_are_neither_read_nor_written(api: FlaskClient) -> None:
    api.get("/sign-in")
    assert api.get_cookie("pamoja") is not None

    answer = api.get("/api/probe/cookies")

    assert answer.json == {}
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")


def test_no_other_site_may_read_our_answers(api: FlaskClient, bearer: Headers) -> None:
    for origin in ("https://evil.example", "null", "http://sub.localhost"):
        answer = send(api, {**bearer, "Origin": origin}, '{"amount": "10"}')
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control")]


def test_a_flood_is_stopped_and_told_when_to_come_back(api: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.limits.PROGRAMS", "3 per minute")

    answers = [api.get("/api/probe/cookies") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert is_problem(answers[-1], 429, "too_many_requests")
    assert int(answers[-1].headers["Retry-After"]) <= 60
