"""Which passwords are taken, and that each character of one counts."""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from app.identity import breaches, passwords


@pytest.mark.parametrize(
    "password",
    [
        "mwanamke wa kijiji kile",
        "only lower case letters here",
        "           spaces count too x7",
        "wĩra mwega nĩ kĩrathimo",
        "".join(chr(33 + (n * n * 7 + n * 13) % 89) for n in range(128)),
    ],
)
def test_long_passwords_of_any_characters_are_taken(password: str) -> None:
    assert passwords.problem_with(password, is_alone=True) is None


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "fourteen-chars",
        "Password123456",
        "Password1234567890",
        "qwertyuiopasdfghjkl",
        "aaaaaaaaaaaaaaaaaaaaaaaa",
        "12345678901234567890",
        "sacco2026sacco2026",
        "PamojaSacco2026!",
        "janewanjiru1990",
        "x" * 201,
    ],
)
def test_short_common_patterned_and_obvious_passwords_are_refused_with_a_reason(password: str) -> None:
    problem = passwords.problem_with(password, is_alone=True, about=["jane.wanjiru", "Jane", "Wanjiru"])

    assert problem is not None
    assert problem.endswith((".", "remember."))
    assert password not in problem


def test_a_very_long_password_is_judged_in_a_blink() -> None:
    began = time.monotonic()

    passwords.problem_with("ab1" * 66, is_alone=True, about=["jane"])

    assert time.monotonic() - began < 2  # the estimate's time grows with the square of what it is given


@pytest.mark.parametrize("password", ["kv8#mQ2z", "xkqzwvbt", "four quiet elephants wade"])
def test_eight_characters_are_enough_where_a_second_factor_follows(password: str) -> None:
    assert passwords.problem_with(password, is_alone=False) is None


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("kv8#mQ2", "Use at least 8 characters"),
        ("password1", "too easy"),
        ("Nairobi2026", "too easy"),
        ("sacco2026", "too easy"),
        ("ab12cd34", "too easy"),
        ("wanjiru90", "too easy"),
    ],
)
def test_a_second_factor_makes_no_common_password_good(password: str, reason: str) -> None:
    problem = passwords.problem_with(password, is_alone=False, about=["jane.wanjiru", "Jane", "Wanjiru"])

    assert problem is not None
    assert reason in problem


def test_eight_characters_are_too_few_for_a_password_that_is_all() -> None:
    assert "15 characters" in str(passwords.problem_with("kv8#mQ2z", is_alone=True))


def test_what_looks_alike_is_the_same_password_however_a_keyboard_writes_it() -> None:
    composed, decomposed, wide = (
        "wĩra mwega nĩ kĩrathimo",
        "wi\u0303ra mwega ni\u0303 ki\u0303rathimo",
        "ｗĩra mwega nĩ kĩrathimo",
    )

    stored = passwords.hashed(composed)

    assert composed != decomposed
    assert passwords.matches(stored, decomposed)
    assert passwords.matches(stored, wide)
    assert not passwords.matches(stored, "wira mwega ni kirathimo")


@pytest.fixture
def breached(app: Flask, tmp_path: Path) -> Iterator[list[str]]:
    """A list in the form of haveibeenpwned.com; its first hash was made by sha1sum."""
    known = {"correct horse battery staple": "ABF7AAD6438836DBE526AA231ABDE2D0EEF74D42"}
    known |= {f"maji {number}": _sha1(f"maji {number}") for number in range(500)}
    file = tmp_path / "breached.txt"
    file.write_text("".join(f"{line}:{number}\r\n" for number, line in enumerate(sorted(known.values()))))
    settings = app.extensions["settings"]
    app.extensions["settings"] = replace(settings, breached_passwords=str(file))
    yield [*known]
    app.extensions["settings"] = settings


def _sha1(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


def test_a_password_from_a_data_breach_is_refused(breached: list[str]) -> None:
    assert all(breaches.is_known(password) for password in breached)
    assert not any(breaches.is_known(f"{password}!") for password in breached)
    assert "data breach" in str(passwords.problem_with(breached[0], is_alone=True))


def test_without_a_list_nothing_is_known_of_breaches(app: Flask) -> None:
    assert not breaches.is_known("correct horse battery staple")


def test_two_passwords_that_differ_after_many_characters_differ() -> None:
    stored = passwords.hashed("a" * 72 + "b")

    assert passwords.matches(stored, "a" * 72 + "b")
    assert not passwords.matches(stored, "a" * 72 + "c")
    assert not passwords.matches(stored, "a" * 72)
    assert not passwords.matches(stored, "a" * 72 + "b ")


def test_hashes_are_argon2id_with_salts_of_their_own() -> None:
    first, second = passwords.hashed("the same"), passwords.hashed("the same")

    assert first.startswith("$argon2id$v=19$m=32768,t=3,p=1$")
    assert first != second
    assert not passwords.is_outdated(first)
    assert passwords.is_outdated("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$" + "A" * 43)


def test_what_is_no_hash_matches_nothing() -> None:
    assert not passwords.matches("", "")
    assert not passwords.matches("plain", "plain")
