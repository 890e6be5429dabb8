"""Static files, and fewer bytes for all else."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import brotli
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.web import assets
from app.web.frame import STATIC

CODINGS = {"br": brotli.decompress, "gzip": gzip.decompress}


def address_of(app: Flask, name: str) -> str:
    with app.test_request_context():
        return assets.address(name)


@pytest.fixture
def stylesheet(app: Flask) -> str:
    return address_of(app, "pamoja.css")


def test_a_file_is_kept_for_ever_under_a_name_that_changes_with_it(client: FlaskClient, stylesheet: str) -> None:
    assert re.fullmatch(r"/static/pamoja\.[0-9a-f]{12}\.css", stylesheet)

    answer = client.get(stylesheet)

    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.content_type == "text/css; charset=utf-8"


@pytest.mark.parametrize("coding", CODINGS)
def test_a_file_comes_in_the_coding_that_the_browser_takes(client: FlaskClient, stylesheet: str, coding: str) -> None:
    answer = client.get(stylesheet, headers={"Accept-Encoding": coding})

    assert answer.headers["Content-Encoding"] == coding
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert CODINGS[coding](answer.data) == (STATIC / "pamoja.css").read_bytes()


def test_brotli_is_preferred_and_nothing_is_forced(client: FlaskClient, stylesheet: str) -> None:
    assert client.get(stylesheet, headers={"Accept-Encoding": "gzip, br"}).headers["Content-Encoding"] == "br"
    assert "Content-Encoding" not in client.get(stylesheet, headers={"Accept-Encoding": "br;q=0"}).headers
    assert "Content-Encoding" not in client.get(stylesheet).headers


def test_a_browser_that_has_the_file_is_not_sent_it_again(client: FlaskClient, stylesheet: str) -> None:
    etag = client.get(stylesheet).headers["ETag"]

    assert client.get(stylesheet, headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize(
    "path",
    ["pamoja.css", "pamoja.000000000000.css", "../config.py", "%2e%2e/config.py", "htmx-4.0.1/LICENSE", ".git/HEAD"],
)
def test_nothing_else_is_served(client: FlaskClient, path: str) -> None:
    assert client.get(f"/static/{path}").status_code == 404


@pytest.mark.parametrize("path", ["/.git/HEAD", "/.env", "/config.py", "/console"])
def test_nothing_of_the_checkout_is_served(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_htmx_is_the_version_its_folder_says() -> None:
    [folder] = STATIC.glob("htmx-*")

    assert f'version="{folder.name.removeprefix("htmx-")}"' in (folder / "htmx.min.js").read_text()


def test_the_files_stay_small() -> None:
    assert compressed("pamoja.css") <= 6_000
    assert compressed("pamoja.js") <= 2_000
    assert compressed("htmx-4.0.1/htmx.min.js") <= 12_288


@pytest.mark.parametrize("coding", CODINGS)
def test_pages_are_compressed(client: FlaskClient, coding: str) -> None:
    plain = client.get("/sign-in")
    answer = client.get("/sign-in", headers={"Accept-Encoding": coding})

    assert answer.headers["Content-Encoding"] == coding
    assert len(answer.data) < len(plain.data) * 0.6
    assert b"</html>" in CODINGS[coding](answer.data)
    assert "Accept-Encoding" in plain.headers["Vary"]


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_site_asks_for_is_not_compressed(client: FlaskClient, site: str) -> None:
    answer = client.get("/sign-in", headers={"Accept-Encoding": "br", "Sec-Fetch-Site": site})

    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_what_our_pages_or_the_person_asks_for_is_compressed(client: FlaskClient, site: str) -> None:
    answer = client.get("/sign-in", headers={"Accept-Encoding": "br", "Sec-Fetch-Site": site})

    assert answer.headers["Content-Encoding"] == "br"


def compressed(name: str) -> int:
    return len(brotli.compress(Path(STATIC / name).read_bytes()))
