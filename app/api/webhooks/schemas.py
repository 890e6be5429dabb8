"""Forms of the pages: text to typed values."""

from __future__ import annotations

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from flask import current_app
from pydantic import AfterValidator, BeforeValidator, Field

from app.api.webhooks.events import EVENTS
from app.api.webhooks.states import DeliveryState
from app.kernel.fields import PlainLine
from app.kernel.forms import Form
from config import Settings

LONGEST_URL = 500
HTTPS = 443


def may_be_near() -> bool:
    """Whether receivers on this very machine, over plain http, are accepted: in the sandbox only."""
    settings: Settings = current_app.extensions["settings"]
    return "C11, C117" in settings.relaxations


def _url(text: str) -> str:
    """An https address out in the world. What its name leads to is checked again at each sending."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("This is not an address.") from None
    near = may_be_near()
    if parts.scheme not in ({"https", "http"} if near else {"https"}) or not host:
        raise ValueError("The address must start with https://.")
    if (
        parts.username
        or parts.password
        or parts.fragment
        or not text.isascii()
        or not text.isprintable()
        or " " in text
    ):
        raise ValueError("Enter a plain address without user name, spaces or #.")
    if not near and port not in (None, HTTPS):
        raise ValueError("The address may name no other port than 443.")
    if _is_private(host) and not (near and _is_loopback(host)):
        raise ValueError("This address leads to a private network. Enter one that is open to the world.")
    return text


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        last = host.rstrip(".").rsplit(".", 1)[-1]
        # A last part that is a number is an address in disguise: 127.1, 2130706433, 0x7f.1
        return "." not in host.rstrip(".") or last in ("local", "internal", "localhost") or last[:1].isdigit()


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "127.0.0.1", "::1")


def _known_events(names: list[str]) -> list[str]:
    if unknown := [name for name in names if name not in EVENTS]:
        raise ValueError(f"There is no event “{unknown[0]}”.")
    return sorted(set(names))


def _several(value: object) -> object:
    """A form with one box ticked sends one value and no list."""
    return [value] if isinstance(value, str) else value


Url = Annotated[PlainLine, Field(max_length=LONGEST_URL), AfterValidator(_url)]
Events = Annotated[list[str], BeforeValidator(_several), Field(min_length=1), AfterValidator(_known_events)]


class NewSubscription(Form):
    """A new receiver."""

    description: Annotated[PlainLine, Field(min_length=1, max_length=80)]
    url: Url
    events: Events


class SubscriptionEdit(NewSubscription):
    """A receiver that listens elsewhere, or to something else."""

    version: Annotated[int, Field(ge=1)]


class DeliveryFilter(Form):
    """What the log of one receiver is narrowed to."""

    state: DeliveryState | None = None
    after: str | None = None
