"""Daraja's checks of single fields, made in the order of its own tables; the first bad one is named."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sandbox import phones
from sandbox.daraja import errors
from sandbox.settings import Settings

BANNED = ("mpesa", "m-pesa", "safaricom", "exe", "exec", "cmd", "sql", "query")  # reference/mpesa.md 14
TEST_HOSTS = ("localhost", "ngrok", "requestbin")


class Fields:
    """Reads the fields of one request; numbers may come as numbers or as text."""

    def __init__(self, body: Mapping[str, Any], settings: Settings) -> None:
        self._body = body
        self._settings = settings

    def text(self, name: str) -> str:
        """What was sent, as text; refuses a missing field and anything that is neither text nor whole number."""
        value = self._body.get(name)
        if isinstance(value, bool) or not isinstance(value, (str, int)) or str(value).strip() == "":
            raise errors.invalid(name)
        return str(value).strip()

    def pattern(self, name: str, pattern: str) -> str:
        value = self.text(name)
        if not re.fullmatch(pattern, value):
            raise errors.invalid(name)
        return value

    def shortcode(self, name: str) -> str:
        return self.pattern(name, r"\d{5,9}")

    def phone(self, name: str) -> str:
        value = self.text(name)
        if not phones.is_msisdn(value):
            raise errors.invalid(name)
        return value

    def amount_cents(self, name: str) -> int:
        """Whole shillings, 1 or more: ``1.50``, ``"1,000"`` and 0 are refused."""
        return int(self.pattern(name, r"[1-9]\d{0,8}")) * 100

    def one_of(self, name: str, *choices: str) -> str:
        value = self.text(name)
        if value not in choices:
            raise errors.invalid(name)
        return value

    def timestamp(self, name: str) -> str:
        """Fourteen digits that are a time; in which zone is not checked."""
        value = self.pattern(name, r"\d{14}")
        try:
            datetime.strptime(value, "%Y%m%d%H%M%S")  # noqa: DTZ007 - in which zone it was meant is not known
        except ValueError:
            raise errors.invalid(name) from None
        return value

    def optional(self, name: str, pattern: str) -> str:
        """A field that may be left out, null or empty."""
        if self._body.get(name) in (None, ""):
            return ""
        return self.pattern(name, pattern)

    def url(self, name: str) -> str:
        """An address callbacks can go to. Production takes public https only."""
        value = self.text(name)
        try:
            parts = urlsplit(value)
            host = parts.hostname or ""
        except ValueError:
            raise errors.invalid(name) from None
        production = self._settings.text("profile") == "production"
        if not host or parts.scheme not in (("https",) if production else ("http", "https")):
            raise errors.invalid(name)
        if production and not _public(host):
            raise errors.invalid(name)
        if self._settings.on("banned_words") and any(word in value.lower() for word in BANNED):
            raise errors.invalid(name)
        return value


def _public(host: str) -> bool:
    if any(word in host for word in TEST_HOSTS):
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return True
