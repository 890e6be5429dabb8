"""Kenyan mobile numbers: any form a person types, one form inside."""

from __future__ import annotations

import re
from dataclasses import dataclass

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType, carrier

_MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
_MSISDN = re.compile(r"254[17]\d{8}", re.A)


@dataclass(frozen=True, slots=True)
class Phone:
    """A Kenyan mobile number, held as its MSISDN (``254712345678``)."""

    msisdn: str

    def __post_init__(self) -> None:
        assert _MSISDN.fullmatch(self.msisdn), "a phone is parsed before it is made"

    @classmethod
    def parse(cls, text: str) -> Phone:
        """Read ``0712 345 678``, ``+254 712…``, ``712345678``, ``254112…``.

        Raises ValueError with a sentence that can stand beside the field.
        """
        try:
            number = phonenumbers.parse(text, "KE")
        except NumberParseException:
            raise ValueError("Enter a Kenyan mobile number, like 0712 345 678.") from None
        msisdn = f"{number.country_code}{number.national_number}"
        if number.extension or not _MSISDN.fullmatch(msisdn) or phonenumbers.number_type(number) not in _MOBILE:
            raise ValueError("Enter a Kenyan mobile number, like 0712 345 678.")
        return cls(msisdn)

    @property
    def e164(self) -> str:
        """``+254712345678``"""
        return f"+{self.msisdn}"

    @property
    def local(self) -> str:
        """``0712 345 678``"""
        return f"0{self.msisdn[3:6]} {self.msisdn[6:9]} {self.msisdn[9:]}"

    @property
    def masked(self) -> str:
        """``0712 ••• 678``: enough to recognise, not enough to call."""
        return f"0{self.msisdn[3:6]} ••• {self.msisdn[9:]}"

    @property
    def operator(self) -> str | None:
        """Who issued the number range (numbers may have been ported since): Safaricom, Airtel, Telkom, ..."""
        return carrier.name_for_number(phonenumbers.parse(self.e164), "en") or None

    def __str__(self) -> str:
        return self.local
