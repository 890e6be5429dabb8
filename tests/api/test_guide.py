"""The guide's examples work as they stand: each is run in a shell against a society of its own."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import requests
from flask import Flask

from app.api.endpoints import contract_of
from app.identity.scopes import SCOPES
from app.savings.errors import MayNotOpen
from tests.api.town import Town, running_town

GUIDE = Path(__file__).parents[2] / "docs" / "api.md"
# Each example's status, before what it answers.
CURL = "curl -s -w '\\n%{http_code} %{method} %{url}\\n'"


def examples() -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", GUIDE.read_text(), re.S | re.M)


def run(example: str, known: dict[str, str]) -> list[str]:
    """The lines that say how each call went."""
    script = "set -eu\n" + example.replace("curl -s", CURL)
    ran = subprocess.run(
        ["bash", "-c", script], env={**os.environ, **known}, capture_output=True, text=True, check=True
    )
    return [line for line in ran.stdout.splitlines() if re.match(r"\d{3} (GET|POST|PATCH) http", line)]


def what_a_reader_knows(town: Town) -> dict[str, str]:
    """What the reader has from the answers before: ids, and the record's ETag."""
    member = requests.get(f"{town.url}/api/members/{town.member_id}", headers=town.headers, timeout=10)
    products = requests.get(f"{town.url}/api/savings/products", headers=town.headers, timeout=10).json()["items"]
    return {
        "PAMOJA": town.url,
        "TOKEN": town.token,
        "MEMBER_ID": town.member_id,
        "ETAG": member.headers["ETag"],
        "PAYMENT_ID": town.payment_id,
        "PRODUCT_ID": next(one["id"] for one in products if one["allows_several"]),
        "ALLOCATION_ID": town.allocation_ids[0],
    }


def test_every_example_of_the_guide_works(committed_app: Flask) -> None:
    with running_town(committed_app) as town:
        known = what_a_reader_knows(town)
        went = [line for example in examples() for line in run(example, known)]

    assert len(went) == sum(example.count("curl -s") for example in examples()) >= 15
    assert [line for line in went if not line.startswith("2")] == []


def test_the_guide_names_scopes_that_exist(app: Flask) -> None:
    named = set(re.findall(r"--scope ([a-z.]+)", GUIDE.read_text()))

    assert named and named <= SCOPES.keys()


def test_the_endpoint_that_the_guide_shows_is_declared_like_that(app: Flask) -> None:
    contract = contract_of(app.view_functions["savings_api.open_account"])

    assert contract is not None
    assert (contract.scope, contract.status) == ("savings.write", 201)
    assert MayNotOpen in contract.refuses
