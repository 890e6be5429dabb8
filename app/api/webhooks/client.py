"""One message to one address that somebody typed into a form: guarded, bounded, and never repeated here.

The address may not lead into our own network: it is resolved once, checked, and that very address is called, so that a
name cannot answer differently a moment later. No redirect is followed, no proxy or netrc of the environment is read.
"""

from __future__ import annotations

import time

import requests
from requests_hardened import Config, Manager
from requests_hardened.ip_filter import InvalidIPAddress
from urllib3.exceptions import HTTPError

from app.api.webhooks.rules import Heard

TIMEOUT_SECONDS = (3.05, 10)  # to connect; to wait for bytes
LONGEST_ANSWER = 2_048  # of which people see the beginning
LONGEST_WORDS = 200


def send(url: str, body: bytes, headers: dict[str, str], *, allow_loopback: bool) -> Heard:
    """Post ``body``. Never raises for what the network or the receiver does."""
    began = time.monotonic()
    try:
        status, words = _post(url, body, headers, allow_loopback=allow_loopback)
    except InvalidIPAddress:
        status, words = None, "The address leads to a private network. Nothing was sent."
    except (requests.RequestException, HTTPError, OSError, UnicodeError) as trouble:
        status, words = None, _what_went_wrong(trouble)
    return Heard(status, words[:LONGEST_WORDS], round((time.monotonic() - began) * 1000))


def _post(url: str, body: bytes, headers: dict[str, str], *, allow_loopback: bool) -> tuple[int, str]:
    guard = Config(
        ip_filter_enable=True,
        ip_filter_allow_loopback_ips=allow_loopback,
        never_redirect=True,
        default_timeout=TIMEOUT_SECONDS,
        user_agent_override="Pamoja-Webhooks/1",
    )
    with Manager(guard).get_session() as session:
        session.trust_env = False
        with session.post(url, data=body, headers=headers, timeout=TIMEOUT_SECONDS, stream=True) as response:
            answer = response.raw.read(LONGEST_ANSWER, decode_content=False)
            return response.status_code, _printable(answer)


def _printable(answer: bytes) -> str:
    """The receiver's words as a page can show them: it may answer anything."""
    text = answer.decode("utf-8", "replace")
    return "".join(character if character.isprintable() else " " for character in text).strip()


def _what_went_wrong(trouble: Exception) -> str:
    if isinstance(trouble, requests.exceptions.SSLError):
        return "The receiver's certificate is not in order. Nothing was sent."
    if isinstance(trouble, requests.ConnectTimeout):
        return "The receiver could not be reached in time."
    if isinstance(trouble, requests.ReadTimeout | TimeoutError):
        return "The receiver took the message and did not answer in time."
    return f"The receiver could not be reached ({type(trouble).__name__})."
