"""Tokens, methods, paths and bodies: what Daraja's gate says before any product is reached."""

from __future__ import annotations

import time

import pytest
import requests

from tests.sandbox.catcher import Catcher
from tests.sandbox.daraja import Daraja
from tests.sandbox.samples import same_error, sample, shape
from tests.sandbox.server import Sandbox

TOKEN_PATH = "/oauth/v1/generate?grant_type=client_credentials"
PUSH_PATH = "/mpesa/stkpush/v1/processrequest"


def test_a_token_has_the_form_of_the_sample(daraja: Daraja) -> None:
    answer = requests.get(
        daraja.credentials["api_url"] + TOKEN_PATH,
        auth=(daraja.credentials["consumer_key"], daraja.credentials["consumer_secret"]),
        timeout=5,
    )

    assert shape(answer.json()) == shape(sample("oauth_token.json"))
    assert answer.json()["expires_in"] == "3599"
    assert len(answer.json()["access_token"]) == 28


def test_wrong_keys_are_answered_with_nothing(daraja: Daraja) -> None:
    answer = requests.get(daraja.credentials["api_url"] + TOKEN_PATH, auth=("somebody", "else"), timeout=5)

    assert (answer.status_code, answer.content) == (400, b"")


def test_a_token_call_without_basic_or_grant_type_has_its_own_codes(daraja: Daraja) -> None:
    base = daraja.credentials["api_url"]
    keys = (daraja.credentials["consumer_key"], daraja.credentials["consumer_secret"])

    assert same_error(requests.get(base + TOKEN_PATH, timeout=5), "oauth_error_no_basic.json")
    assert same_error(requests.get(base + "/oauth/v1/generate", auth=keys, timeout=5), "oauth_error_grant_type.json")


@pytest.mark.parametrize(
    ("path", "error"),
    [
        (PUSH_PATH, "error_e1_stk_token.json"),
        ("/mpesa/stkpushquery/v1/query", "error_e1_stk_token.json"),
        ("/mpesa/c2b/v2/registerurl", "error_e1_c2b_token.json"),
        ("/mpesa/c2b/v1/simulate", "error_e1_c2b_token.json"),
        ("/pulltransactions/v1/register", "pull_error_token.json"),
        ("/pulltransactions/v1/query", "pull_error_token.json"),
    ],
)
def test_a_bad_token_is_refused_in_the_words_of_the_family(daraja: Daraja, path: str, error: str) -> None:
    daraja.token = "nobody-gave-this-out-00000000"

    assert same_error(daraja.post(path, {}), error)


def test_a_token_really_expires(sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str) -> None:
    sandbox.settings(token_lifetime_seconds=1)
    daraja.sign_in()
    before = daraja.push(phone, catcher.url("/h"))
    time.sleep(1.1)
    after = daraja.push(phone, catcher.url("/h"))

    assert before.status_code == 200
    assert same_error(after, "error_e1_stk_token.json")


@pytest.mark.parametrize("switched_on", [True, False])
def test_a_new_token_may_end_the_old_one(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str, switched_on: bool
) -> None:
    sandbox.settings(new_token_kills_old=switched_on)
    daraja.sign_in()
    sandbox.daraja().sign_in()

    assert (daraja.push(phone, catcher.url("/h")).status_code == 200) is not switched_on


def test_a_missing_or_malformed_header_is_404_001_04(daraja: Daraja) -> None:
    url = daraja.credentials["api_url"] + PUSH_PATH
    for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": "Basic abc"}):
        assert same_error(
            requests.post(url, json={}, headers=headers, timeout=5), "error_e1_authentication_header.json"
        )


def test_only_post_is_allowed(daraja: Daraja) -> None:
    answer = requests.get(daraja.credentials["api_url"] + PUSH_PATH, timeout=5)

    assert same_error(answer, "error_e1_method.json")


def test_an_unknown_path_is_404_001_01(daraja: Daraja) -> None:
    assert same_error(daraja.post("/mpesa/nowhere/v1/at-all", {}), "error_e1_not_found.json")


def test_a_form_is_reported_as_a_bad_first_field(daraja: Daraja) -> None:
    daraja.sign_in()
    answer = requests.post(
        daraja.credentials["api_url"] + PUSH_PATH,
        data={"BusinessShortCode": "174379"},
        headers={"Authorization": f"Bearer {daraja.token}"},
        timeout=5,
    )

    assert answer.json()["errorMessage"] == "Bad Request - Invalid BusinessShortCode"


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b"\xff"])
def test_a_body_that_is_no_object_cannot_be_read(daraja: Daraja, body: bytes) -> None:
    daraja.sign_in()
    answer = requests.post(
        daraja.credentials["api_url"] + PUSH_PATH,
        data=body,
        headers={"Authorization": f"Bearer {daraja.token}", "Content-Type": "application/json"},
        timeout=5,
    )

    assert same_error(answer, "error_e1_invalid_payload.json")


def test_a_product_that_is_not_enabled_is_refused_in_plain_text(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    sandbox.settings(products_off="stk, pull")
    answer = daraja.push(phone, catcher.url("/h"))
    sandbox.settings(products_off="")

    assert answer.status_code == 401
    assert answer.text == "Invalid API call as no apiproduct match found"


def test_one_connection_serves_many_requests(daraja: Daraja) -> None:
    with requests.Session() as session:
        for _ in range(3):
            answer = session.get(daraja.credentials["api_url"] + TOKEN_PATH, auth=("a", "b"), timeout=5)
            assert answer.headers.get("Connection", "keep-alive").lower() == "keep-alive"


def test_production_takes_public_https_addresses_only(sandbox: Sandbox, daraja: Daraja, phone: str) -> None:
    sandbox.settings(profile="production")
    refused = [
        daraja.push(phone, url).json()["errorMessage"]
        for url in ("http://sacco.example/h", "https://127.0.0.1/h", "https://localhost/h", "https://a.ngrok.io/h")
    ]

    assert refused == ["Bad Request - Invalid CallBackURL"] * 4
    assert daraja.push(phone, "https://sacco.example/h").status_code == 200
