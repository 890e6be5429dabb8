"""Who paid, as far as M-PESA lets us see: a clear number, its SHA-256, or a few visible digits.

Confirmations of version 1 carry a hash, version 2 masks (``2547 ***** 126``), old registrations and pulled lines may
carry the number itself. Which text Safaricom hashes is not documented: the MSISDN without plus is assumed, and the two
other ways to write it are tried as well.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from app.kernel.phones import Phone

from .fields import read_phone

_HASH = re.compile(r"[0-9a-f]{64}", re.A)
_MASKED = re.compile(r"(\d*)[*•xX]+(\d*)", re.A)
_FEWEST_VISIBLE = 3  # fewer digits than this say nothing about who it is


@dataclass(frozen=True, slots=True)
class Payer:
    """What a message shows of the payer."""

    seen: str

    @property
    def phone(self) -> Phone | None:
        """The number, where it is clear."""
        return read_phone(self.seen)

    @property
    def hash(self) -> str | None:
        """The SHA-256 that M-PESA sent in place of the number."""
        text = self.seen.strip().lower()
        return text if _HASH.fullmatch(text) else None

    @property
    def visible(self) -> tuple[str, str] | None:
        """The first and last digits of a masked number."""
        found = _MASKED.fullmatch(re.sub(r"[\s+]", "", self.seen))
        if found is None or len(found[1]) + len(found[2]) < _FEWEST_VISIBLE:
            return None
        return found[1], found[2]

    def is_consistent_with(self, phone: Phone) -> bool:
        """Could this be that phone? A message that shows nothing of the payer contradicts nobody."""
        if self.phone is not None:
            return self.phone == phone
        if self.hash is not None:
            return self.hash in hashes_of(phone)
        if self.visible is not None:
            first, last = self.visible
            return phone.msisdn.startswith(first) and phone.msisdn.endswith(last)
        return True


def hashes_of(phone: Phone) -> frozenset[str]:
    """The digests under which a number may arrive."""
    forms = (phone.msisdn, phone.e164, "0" + phone.msisdn[3:])
    return frozenset(hashlib.sha256(form.encode()).hexdigest() for form in forms)
