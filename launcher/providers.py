"""The sandbox as an operator meets a provider: its pages give credentials and take our address."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from typing import Any

TIMEOUT_SECONDS = 5


class Providers:
    """The simulated providers at one address. Nothing of theirs is imported: they are the other side."""

    def __init__(self, url: str) -> None:
        self.url = url

    def is_up(self) -> bool:
        """Whether they answer."""
        return answers(f"{self.url}/")

    def credentials(self) -> dict[str, str]:
        """What the application needs to be told to work with them, as config.py names it."""
        given = self._ask("GET", "/control/credentials")
        daraja, texts = given["daraja"], given["africastalking"]
        return {
            "SANDBOX_URL": self.url,
            "MPESA_API_URL": daraja["api_url"],
            "MPESA_CONSUMER_KEY": daraja["consumer_key"],
            "MPESA_CONSUMER_SECRET": daraja["consumer_secret"],
            "MPESA_SHORTCODE": daraja["shortcode"],
            "MPESA_PASSKEY": daraja["passkey"],
            "MPESA_INITIATOR": daraja["initiator"],
            "AFRICASTALKING_API_URL": texts["api_url"],
            "AFRICASTALKING_USERNAME": texts["username"],
            "AFRICASTALKING_API_KEY": texts["api_key"],
            "AFRICASTALKING_SENDER_ID": "PAMOJA",
        }

    def reports_go_to(self) -> str:
        """Where the SMS provider sends its delivery reports now; empty when nowhere."""
        return str(self._ask("GET", "/control/settings")["sms_report_url"] or "")

    def send_reports_to(self, address: str) -> None:
        """Enter our address, as is done once on the real provider's own pages."""
        self._ask("PUT", "/control/settings", {"sms_report_url": address})

    def _ask(self, method: str, path: str, body: Mapping[str, str] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            f"{self.url}{path}",
            method=method,
            data=json.dumps(body).encode() if body else None,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - as above
            return dict(json.load(answer))


def answers(address: str) -> bool:
    """Whether something at this address says 200."""
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - our own loopback address
            return bool(answer.status == 200)
    except OSError:  # urllib's own errors are among these
        return False
