"""How a paybill is reached: settings as a value, from the administrator's row over the environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from flask import current_app
from sqlalchemy import select

from app.kernel import clock
from app.kernel.database import db
from app.kernel.encryption import keyed_hash
from app.kernel.phones import Phone
from config import Settings

from .fields import Limits
from .messages import ResponseType
from .models import C2BResponse, MpesaConfiguration, MpesaLimit, ValidationPolicy

SAFARICOM_HOSTS = ("https://api.safaricom.co.ke", "https://sandbox.safaricom.co.ke")

SIMULATED_PULL_PHONE = Phone("254722000000")  # the nominated line of the provider's own sample

FROM_ENVIRONMENT = ("consumer_key", "consumer_secret", "passkey", "initiator", "security_credential")
"""What an empty field of the row is filled with, as long as row and environment speak of the same paybill."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything the rail needs to know about one paybill. Secrets do not show when it is logged."""

    shortcode: str
    api_url: str
    callback_url: str
    consumer_key: str | None = field(default=None, repr=False)
    consumer_secret: str | None = field(default=None, repr=False)
    passkey: str | None = field(default=None, repr=False)
    initiator: str | None = None
    security_credential: str | None = field(default=None, repr=False)
    till_number: str | None = None
    response_type: ResponseType = "Completed"
    c2b_version: str = "v2"
    validation: ValidationPolicy = ValidationPolicy.ACCEPT_ALL
    pull_phone: Phone | None = field(default=None, repr=False)
    plain_http: bool = False  # the sandbox profile: addresses of this machine, without TLS

    @property
    def is_complete(self) -> bool:
        """Whether a prompt can be sent with it."""
        return bool(self.consumer_key and self.consumer_secret and self.passkey)

    @property
    def token_name(self) -> bytes:
        """Which token belongs to it: one for each consumer key and environment."""
        return keyed_hash("mpesa-token", f"{self.api_url} {self.consumer_key}")

    @property
    def numbers(self) -> frozenset[str]:
        """The numbers under which M-PESA reports money to it."""
        return frozenset(number for number in (self.shortcode, self.till_number) if number)

    @property
    def is_simulated(self) -> bool:
        """Whether the provider is our own simulator: the sandbox profile, and an address that is not Safaricom's."""
        return self.plain_http and self.api_url not in SAFARICOM_HOSTS

    def hook(self, secret: str, flow: str) -> str:
        """The address that M-PESA calls."""
        return f"{self.callback_url}/hooks/m/{secret}/{flow}"


def current() -> Configuration | None:
    """The paybill that prompts go through now; None where the rail is off."""
    row = db.session.scalar(select(MpesaConfiguration).where(MpesaConfiguration.is_current))
    return _of_row(row) if row else _of_environment(_settings())


def of(shortcode: str) -> Configuration | None:
    """A paybill by its number, also an earlier one whose prompts are still open."""
    row = db.session.scalar(select(MpesaConfiguration).filter_by(shortcode=shortcode))
    if row is not None:
        return _of_row(row)
    from_environment = _of_environment(_settings())
    return from_environment if from_environment and from_environment.shortcode == shortcode else None


def every() -> list[Configuration]:
    """All paybills we have ever collected on, the current one among them."""
    rows = db.session.scalars(select(MpesaConfiguration).order_by(MpesaConfiguration.shortcode))
    found = {row.shortcode: _of_row(row) for row in rows}
    from_environment = _of_environment(_settings())
    if from_environment is not None:
        found.setdefault(from_environment.shortcode, from_environment)
    return list(found.values())


def limits_on(day: date) -> Limits:
    """What one transaction may carry on a day."""
    row = db.session.scalar(
        select(MpesaLimit).where(MpesaLimit.starts_on <= day).order_by(MpesaLimit.starts_on.desc()).limit(1)
    )
    return Limits(row.minimum, row.maximum) if row else Limits()


def limits() -> Limits:
    """What one transaction may carry today."""
    return limits_on(clock.today_eat())


def allowed_api_urls() -> tuple[str, ...]:
    """The only addresses credentials may be sent to: Safaricom's two, and what whoever runs the servers has set."""
    return tuple(dict.fromkeys((default_api_url(), *SAFARICOM_HOSTS)))


def default_api_url() -> str:
    """The address that is used while nobody has chosen another."""
    return _settings().mpesa_api_url.rstrip("/")


def allows_plain_http() -> bool:
    """Whether providers may be on this machine, without TLS: a relaxation of the sandbox profile."""
    return not _settings().is_production


def from_environment() -> Configuration | None:
    """What the environment alone says; None where it names no paybill."""
    return _of_environment(_settings())


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings


def _callback_url(settings: Settings) -> str:
    return (settings.mpesa_callback_url or settings.base_url).rstrip("/")


def _of_environment(settings: Settings) -> Configuration | None:
    if settings.mpesa_shortcode is None:
        return None
    return Configuration(
        shortcode=settings.mpesa_shortcode,
        api_url=settings.mpesa_api_url.rstrip("/"),
        callback_url=_callback_url(settings),
        consumer_key=settings.mpesa_consumer_key,
        consumer_secret=settings.mpesa_consumer_secret,
        passkey=settings.mpesa_passkey,
        initiator=settings.mpesa_initiator,
        security_credential=settings.mpesa_security_credential,
        plain_http=not settings.is_production,
    )


def _of_row(row: MpesaConfiguration) -> Configuration:
    """The row's values; empty ones from the environment, unless that speaks of another paybill or address."""
    settings = _settings()
    api_url = (row.api_url or settings.mpesa_api_url).rstrip("/")
    is_same = settings.mpesa_shortcode == row.shortcode and settings.mpesa_api_url.rstrip("/") == api_url
    secrets = {
        name: getattr(row, name) or (getattr(settings, f"mpesa_{name}") if is_same else None)
        for name in FROM_ENVIRONMENT
    }
    return Configuration(
        shortcode=row.shortcode,
        api_url=api_url,
        callback_url=(row.callback_url or _callback_url(settings)).rstrip("/"),
        till_number=row.till_number,
        response_type="Cancelled" if row.response_type is C2BResponse.CANCELLED else "Completed",
        c2b_version=row.c2b_version.value,
        validation=row.validation,
        pull_phone=row.pull_phone,
        plain_http=not settings.is_production,
        **secrets,
    )
