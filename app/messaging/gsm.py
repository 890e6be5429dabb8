"""How a text message travels: its alphabet, its length, and how many parts the society pays for.

From GSM 03.38 (3GPP TS 23.038). One character outside the basic alphabet turns the whole message into UCS-2, which
holds less than half as much, so texts are normalised before they are counted.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")  # each is sent as an escape and a character: two septets

GSM7_ALONE, GSM7_PART = 160, 153  # septets in a single message, and in each part of a split one
UCS2_ALONE, UCS2_PART = 70, 67  # UTF-16 units

_STRAIGHT = str.maketrans(
    {
        "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u2032": "'", "\u00b4": "'", "`": "'", "\u02bc": "'",
        "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2033": '"', "\u00ab": '"', "\u00bb": '"',
        "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2015": "-", "\u2212": "-",
        "\u2026": "...", "\u2022": "-", "\u00b7": "-", "\u00d7": "x", "\u0141": "L", "\u0142": "l",
        "\u014a": "N", "\u014b": "n", "\u00d0": "D", "\u00f0": "d", "\u0131": "i",
        "\u200b": "", "\u200c": "", "\u200d": "", "\u2060": "", "\ufeff": "",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Length:
    """What a text costs to send."""

    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    parts: int


def is_gsm7(text: str) -> bool:
    """Whether every character is in the basic alphabet or its extension."""
    return all(letter in BASIC or letter in EXTENSION for letter in text)


def measure(text: str) -> Length:
    """Count units and parts the way a phone network does."""
    if is_gsm7(text):
        sizes = [2 if letter in EXTENSION else 1 for letter in text]
        return Length("GSM-7", sum(sizes), _parts(sizes, alone=GSM7_ALONE, each=GSM7_PART))
    sizes = [2 if ord(letter) > 0xFFFF else 1 for letter in text]
    return Length("UCS-2", sum(sizes), _parts(sizes, alone=UCS2_ALONE, each=UCS2_PART))


def normalise(text: str) -> str:
    """Bring a text as near to the basic alphabet as it can go without losing meaning.

    Curly quotes become straight, dashes plain, ``Wanjikũ`` becomes ``Wanjiku``. What has no near letter stays as it is
    (the message then costs more parts, but still says the right name).
    """
    return "".join(_nearest(letter) for letter in text.translate(_STRAIGHT))


def one_line(text: str) -> str:
    """A value that is put into a text: no line breaks, tabs or control characters, single spaces."""
    spaced = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in text)
    return " ".join(spaced.split())


def _nearest(letter: str) -> str:
    if letter in BASIC or letter in EXTENSION:
        return letter
    if unicodedata.category(letter)[0] == "Z":  # any kind of space: no-break, thin, ideographic
        return " "
    bare = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    return bare if bare and is_gsm7(bare) else letter


def _parts(sizes: Iterable[int], *, alone: int, each: int) -> int:
    """Parts needed; a character of two units (an escape pair, a surrogate pair) is never cut in half."""
    sizes = list(sizes)
    if sum(sizes) <= alone:
        return 1
    parts, room = 1, each
    for size in sizes:
        if size > room:
            parts, room = parts + 1, each
        room -= size
    return parts
