"""Decisions about members: what may be registered, and what a typed search means. Values in, values out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app.kernel.phones import Phone

ADULT_AGE_YEARS = 18  # Co-operative Societies Act: a member is of full age; a child saves through a parent or guardian
OLDEST_AGE_YEARS = 120
SHARES_ADD_UP_TO = Decimal(100)

# How names are compared: without case, apostrophes, hyphens and the accents of Kenyan and European spellings, so that
# "nganga" finds "Ng'ang'a". The same table folds the stored column in the database (see ``Member.search_name``).
ACCENTED = "áàâãäåéèêëíìîïĩóòôõöúùûüũñçýÿ"
PLAIN = "aaaaaaeeeeiiiiiooooouuuuuncyy"
DROPPED = "'’‘`ʼ.,-_%\\"
_FOLD = str.maketrans(ACCENTED, PLAIN, DROPPED)

_MEMBER_NUMBER = re.compile(r"M(\d{1,9})", re.A)
_KRA_PIN = re.compile(r"[A-Z]\d{9}[A-Z]", re.A)
_NOT_LETTER_OR_DIGIT = re.compile(r"[^A-Z0-9]")

MAX_SEARCH_WORDS = 4  # first, middle and last name, and one more that narrows
MAX_SEARCH_LENGTH = 80


def age_on(born_on: date, on: date) -> int:
    """Whole years lived on a day."""
    return on.year - born_on.year - ((on.month, on.day) < (born_on.month, born_on.day))


def why_not_born_on(born_on: date, *, on: date) -> str | None:
    """Why somebody with this date of birth cannot be registered today, as a sentence; None if they can."""
    age = age_on(born_on, on)
    if born_on > on:
        return "The date of birth is in the future."
    if age > OLDEST_AGE_YEARS:
        return f"The date of birth is more than {OLDEST_AGE_YEARS} years ago."
    if age < ADULT_AGE_YEARS:
        return (
            f"A member must be {ADULT_AGE_YEARS}, and this person is {age}. "
            "A child saves through a junior account of a parent or guardian."
        )
    return None


def why_not_shares(shares: Sequence[Decimal | None]) -> str | None:
    """Why the nominees' shares cannot stand, as a sentence; None if they can.

    Next of kin without shares are contacts only; as soon as one has a share, the shares must add up to the whole.
    """
    given = [share for share in shares if share is not None]
    if not given or sum(given) == SHARES_ADD_UP_TO:
        return None
    return f"The nominees' shares add up to {plain_percent(sum(given, Decimal(0)))} %. They must add up to 100 %."


def plain_percent(percent: Decimal) -> str:
    """``33.50`` as ``33.5`` and ``100.00`` as ``100``."""
    return f"{percent.normalize():f}"


def full_name(first: str, middle: str | None, last: str) -> str:
    """As on the identity card."""
    return " ".join(name for name in (first, middle, last) if name)


def fold(text: str) -> str:
    """A name as it is compared."""
    return unicodedata.normalize("NFC", text).lower().translate(_FOLD)


def compact(text: str) -> str:
    """Capital letters and digits only: how numbers that people type are compared."""
    return _NOT_LETTER_OR_DIGIT.sub("", text.upper())


def member_number(text: str) -> str | None:
    """``m 123`` or ``M000123`` as the number is written; None if it is no member number."""
    found = _MEMBER_NUMBER.fullmatch(compact(text))
    return f"M{found[1]:0>6}" if found else None


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """What a typed search may mean. Several may apply: six digits are a member number, an ID or a phone's end."""

    numbers: tuple[str, ...] = ()
    phone: Phone | None = None
    phone_end: str | None = None
    national_id: str | None = None
    kra_pin: str | None = None
    words: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return self == SearchTerms()

    @property
    def is_personal(self) -> bool:
        """Holds a phone or ID number, which must not stand in an address or a log."""
        return any((self.phone, self.phone_end, self.national_id, self.kra_pin))


def read_search(text: str) -> SearchTerms:
    """Work out what somebody who types this is looking for."""
    text = unicodedata.normalize("NFKC", text).strip()[:MAX_SEARCH_LENGTH]
    code = compact(text)
    if code.isdigit() and not re.search(r"[A-Za-z]", text):
        return _read_digits(text, code)
    if number := member_number(text):
        return SearchTerms(numbers=(number,))
    if _KRA_PIN.fullmatch(code):
        return SearchTerms(kra_pin=code)
    words = tuple(word for word in fold(text).split() if word)
    return SearchTerms(words=words[:MAX_SEARCH_WORDS])


def _read_digits(text: str, digits: str) -> SearchTerms:
    """Digits may be a member number, a phone, its last four or six, or a national ID."""
    return SearchTerms(
        numbers=(f"M{int(digits):06}",) if len(digits) <= 6 else (),
        phone=_phone_or_none(text) if len(digits) >= 9 else None,
        phone_end=digits if len(digits) in (4, 6) else None,
        national_id=digits if 6 <= len(digits) <= 9 else None,
    )


def _phone_or_none(text: str) -> Phone | None:
    try:
        return Phone.parse(text)
    except ValueError:
        return None
