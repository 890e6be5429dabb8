"""Safaricom's Daraja over HTTP: one call, one answer, nothing repeated.

The client never repeats a request on its own: a prompt that timed out may be ringing. It follows no redirect, reads no
proxy or netrc from the environment, checks certificates, and reads no more than an answer can hold. What it returns
never contains a token, key or secret: Daraja echoes the token in one of its refusals.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import HTTPBasicAuth
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError

from .replies import Reply

TOKEN_PATH = "/oauth/v1/generate"  # noqa: S105 - a path
STK_PUSH_PATH = "/mpesa/stkpush/v1/processrequest"
STK_QUERY_PATH = "/mpesa/stkpushquery/v1/query"
C2B_REGISTER_PATHS = {"v1": "/mpesa/c2b/v1/registerurl", "v2": "/mpesa/c2b/v2/registerurl"}
PULL_REGISTER_PATH = "/pulltransactions/v1/register"
PULL_QUERY_PATH = "/pulltransactions/v1/query"

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0  # an acknowledgement usually takes under ten; with slow bytes, this is the whole answer's time
LARGEST_ANSWER = 4 * 1024 * 1024
SHORTEST_SECRET = 8  # a shorter one is none, and would blot out innocent letters

_TOKEN_ECHO = re.compile(r"(Invalid Access Token\s*-\s*)[^\s\"<]+", re.I)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long one call may take."""

    connect: float = CONNECT_SECONDS
    answer: float = ANSWER_SECONDS


class DarajaClient:
    """One Daraja environment. It calls the configured address and no other."""

    def __init__(self, api_url: str, *, timeouts: Timeouts | None = None) -> None:
        self._base = api_url.rstrip("/")
        self._timeouts = timeouts or Timeouts()
        assert urlsplit(self._base).scheme in ("https", "http"), "an API address is absolute"

    def token(self, consumer_key: str, consumer_secret: str) -> Reply:
        """Ask for an access token."""
        return self._call(
            "GET",
            TOKEN_PATH,
            params={"grant_type": "client_credentials"},
            auth=HTTPBasicAuth(consumer_key.encode(), consumer_secret.encode()),
            secrets=(consumer_secret, consumer_key),
        )

    def post(self, path: str, body: Mapping[str, Any], token: str) -> Reply:
        """Send one request with its token."""
        return self._call(
            "POST", path, json=dict(body), auth=_Bearer(token), secrets=(token, str(body.get("Password") or ""))
        )

    def _call(self, method: str, path: str, *, secrets: tuple[str, ...], **request: Any) -> Reply:
        assert path.startswith("/"), "a path is ours, never a whole address"
        deadline = time.monotonic() + self._timeouts.answer
        try:
            # A session for each call: a kept connection may be dead, and then nobody knows whether a prompt left.
            with requests.Session() as session:
                session.trust_env = False
                with session.request(
                    method,
                    self._base + path,
                    timeout=(self._timeouts.connect, self._timeouts.answer),
                    allow_redirects=False,
                    stream=True,
                    **request,
                ) as response:
                    text = _read(response, deadline)
                    return Reply(response.status_code, redact(text, secrets))
        except (requests.RequestException, HTTPError) as trouble:
            return Reply(trouble="not_sent" if _never_left(trouble) else "unknown")


class _Bearer(requests.auth.AuthBase):
    """The token as a header; kept out of the body and of anything that is logged."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _read(response: requests.Response, deadline: float) -> str:
    """The body, within size and time. Raises ConnectionError beyond them: then nobody knows what it would have said."""
    parts, size = [], 0
    # read1 returns what has arrived: an answer that comes a byte at a time must not outlive its deadline.
    while part := response.raw.read1(16 * 1024, decode_content=True):
        parts.append(part)
        size += len(part)
        if size > LARGEST_ANSWER or time.monotonic() > deadline:
            raise requests.ConnectionError("the answer was too long or too slow")
    return b"".join(parts).decode("utf-8", errors="replace")


def _never_left(trouble: BaseException) -> bool:
    """Did it fail before a byte of the request was sent? Only what is certain counts."""
    if isinstance(trouble, requests.ConnectTimeout | requests.exceptions.InvalidURL):
        return True
    cause: Any = trouble.args[0] if trouble.args else None
    reason = getattr(cause, "reason", cause)
    if isinstance(reason, NewConnectionError | NameResolutionError | ConnectTimeoutError):
        return True
    return isinstance(trouble, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(reason)


def redact(text: str, secrets: tuple[str, ...]) -> str:
    """A provider's text without what must not be stored or logged."""
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "•••").replace(json.dumps(secret)[1:-1], "•••")
    return _TOKEN_ECHO.sub(r"\1•••", text)
