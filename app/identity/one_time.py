"""Codes that a person reads on paper and types once: recovery codes, and those that an administrator hands over."""

from __future__ import annotations

import secrets

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is misread on paper
GROUP = 5


def made(groups: int) -> str:
    """A random code in groups of five, about 25 bits each: ``k7m2p-x9rtw``."""
    letters = [secrets.choice(_ALPHABET) for _ in range(groups * GROUP)]
    return "-".join("".join(letters[start : start + GROUP]) for start in range(0, len(letters), GROUP))


def normal(typed: str) -> str:
    """The one form of a code, whether it was typed with capitals, blanks or without hyphens."""
    letters = "".join(letter for letter in typed.lower() if letter.isalnum())
    return "-".join(letters[start : start + GROUP] for start in range(0, len(letters), GROUP))
