"""Passwords: what is accepted (NIST SP 800-63B-4), and how they are stored and verified (argon2id)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

SHORTEST = 15  # NIST SP 800-63B-4: where the password is the only factor
LONGEST = 200
GUESSES_ENOUGH = 10**10  # beyond what an attacker gets through before the sign-in counters stop him, by far
LENGTH_ESTIMATED = 72  # the estimate's time grows with the square of the length; what follows can only add

CONTEXT_WORDS = ("pamoja", "sacco", "fosa", "bosa", "mpesa", "m-pesa", "harambee", "kenya", "nairobi", "karibu")
"""Words that whoever guesses at a SACCO's password tries first."""

# Above OWASP's floor (19 MiB, two passes), and still little enough that a morning of sign-ins starves nobody.
_hasher = PasswordHasher(time_cost=3, memory_cost=32_768, parallelism=1)

_TEMPORARY_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is misread on paper


def problem_with(password: str, *, about: Iterable[str] = ()) -> str | None:
    """Why this password is refused, as a sentence to act on, or None.

    ``about`` are words that belong to the person. There is no rule about kinds of characters and no expiry, on purpose.
    """
    if len(password) < SHORTEST:
        return f"Use at least {SHORTEST} characters. A few words that only you would put together are easy to remember."
    if len(password) > LONGEST:
        return f"Use at most {LONGEST} characters."
    if _guesses(password, about) < GUESSES_ENOUGH:
        return "This is too easy to guess: a common password, a pattern, or words about you or the society."
    return None


def _guesses(password: str, about: Iterable[str]) -> int:
    estimate = zxcvbn(password[:LENGTH_ESTIMATED], user_inputs=[*CONTEXT_WORDS, *about])
    return int(estimate["guesses"])


def temporary() -> str:
    """A random password to hand over once: four groups of five, about 99 bits."""
    letters = [secrets.choice(_TEMPORARY_ALPHABET) for _ in range(20)]
    return "-".join("".join(letters[start : start + 5]) for start in range(0, 20, 5))


def hashed(password: str) -> str:
    """The form in which a password is stored."""
    return _hasher.hash(password)


NOBODY = _hasher.hash(secrets.token_urlsafe(32))
"""Verified when there is no such user, so that the answer takes as long."""


def matches(stored: str, password: str) -> bool:
    """Whether this is the password, every character of it."""
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)
