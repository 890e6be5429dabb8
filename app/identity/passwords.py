"""Passwords: what is accepted (NIST SP 800-63B-4), and how they are stored and verified (argon2id)."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Iterable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from app.identity import breaches

SHORTEST_ALONE = 15  # NIST SP 800-63B-4: where the password is the only factor
SHORTEST = 8  # where a second factor follows
LONGEST = 200
GUESSES_ENOUGH_ALONE = 10**10  # beyond what an attacker gets through before the sign-in counters stop him, by far
GUESSES_ENOUGH = 10**8  # eight characters without a pattern; what is on a list of passwords is far below
OWN_LETTERS = 5  # what must be left besides words about the person and the society
LENGTH_ESTIMATED = 72  # the estimate's time grows with the square of the length; what follows can only add

CONTEXT_WORDS = ("pamoja", "sacco", "fosa", "bosa", "mpesa", "m-pesa", "harambee", "kenya", "nairobi", "karibu")
"""Words that whoever guesses at a SACCO's password tries first."""

# Above OWASP's floor (19 MiB, two passes), and still little enough that a morning of sign-ins starves nobody.
_hasher = PasswordHasher(time_cost=3, memory_cost=32_768, parallelism=1)


def shortest(*, is_alone: bool) -> int:
    """How many characters a password has at least; more where no second factor follows it."""
    return SHORTEST_ALONE if is_alone else SHORTEST


def problem_with(password: str, *, is_alone: bool, about: Iterable[str] = ()) -> str | None:
    """Why this password is refused, as a sentence to act on, or None.

    ``about`` are words that belong to the person. There is no rule about kinds of characters and no expiry, on purpose.
    """
    least = shortest(is_alone=is_alone)
    if len(_normal(password)) < least:
        return f"Use at least {least} characters. A few words that only you would put together are easy to remember."
    if len(password) > LONGEST:
        return f"Use at most {LONGEST} characters."
    if breaches.is_known(_normal(password)):
        return "This password was found in a data breach elsewhere, so attackers try it. Choose another one."
    words = [*CONTEXT_WORDS, *about]
    enough = GUESSES_ENOUGH_ALONE if is_alone else GUESSES_ENOUGH
    if _is_about(_normal(password), words) or _guesses(_normal(password), words) < enough:
        return "This is too easy to guess: a common password, a pattern, or words about you or the society."
    return None


def _is_about(password: str, words: Iterable[str]) -> bool:
    """Whether hardly anything is left of it without these words: however many of them, they are the first guess."""
    rest = password.lower()
    for word in sorted({word.lower() for word in words if len(word) > 2}, key=len, reverse=True):
        rest = rest.replace(word, " ")
    return len(rest) - rest.count(" ") < OWN_LETTERS


def _guesses(password: str, words: Iterable[str]) -> int:
    estimate = zxcvbn(password[:LENGTH_ESTIMATED], user_inputs=[*words])
    return int(estimate["guesses"])


def hashed(password: str) -> str:
    """The form in which a password is stored."""
    return _hasher.hash(_normal(password))


NOBODY = _hasher.hash(secrets.token_urlsafe(32))
"""Verified when there is no such user, so that the answer takes as long."""


def matches(stored: str, password: str) -> bool:
    """Whether this is the password, every character of it."""
    try:
        return _hasher.verify(stored, _normal(password))
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def _normal(password: str) -> str:
    """One form for what looks alike: keyboards and systems write an accent in more than one way (UAX 15, NFKC)."""
    return unicodedata.normalize("NFKC", password)
