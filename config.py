"""Settings: the one place that reads the environment.

Each setting is typed, has a development default or none, and a line on its purpose. What the board decides (rates,
limits, fees) is dated data in the database, not configuration. `make run` writes the values it made (addresses of the
embedded servers, secrets) to `var/environment`; a variable that is set in the process wins over that file, so that a
command typed in a second shell talks to the running system.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

DEVELOPMENT_SECRET = "development-only-secret"  # noqa: S105 - refused in production, see `Settings.check`
DEVELOPMENT_KEY = "dev:cGFtb2phLWRldmVsb3BtZW50LW9ubHkta2V5LTMyYnk="

PUBLIC_PASSKEY = (
    "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919"  # of Daraja's sandbox, for everybody
)

SANDBOX_RELAXATIONS: Mapping[str, str] = {
    "C30, C32": "Cookies travel over plain http on this machine, so they are neither Secure nor __Host-.",
    "C11, C117": "Providers and receivers of webhooks may be on loopback addresses: the sandbox is the provider.",
    "C34, C111": "Pages are served over plain http, without HSTS.",
    "C67": "Demonstration users exist and the sign-in page names them.",
    "C121": "Anybody on this machine may read the document of the JSON API.",
    "C68": "Staff, the demonstration users foremost, need no second factor; who has none confirms by password.",
}
"""What the sandbox profile relaxes: rows of the security checklist, with the reason. Production relaxes none."""


class ConfigurationError(Exception):
    """A setting is missing or unsafe; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the application is told from outside."""

    database_url: str = field(repr=False)  # the application's role
    redis_url: str = field(repr=False)  # the doorbell
    database_owner_url: str | None = field(
        default=None, repr=False
    )  # migrations only; never given to web or workers in production
    database_replica_url: str | None = field(default=None, repr=False)  # reads that may be a second old
    profile: str = "sandbox"  # sandbox | production
    secret_key: str = field(default=DEVELOPMENT_SECRET, repr=False)  # signs cookies and CSRF tokens
    encryption_keys: str = field(default=DEVELOPMENT_KEY, repr=False)  # id:base64,...; the first is current
    base_url: str = "http://127.0.0.1:8000"  # how browsers and providers reach us
    trusted_proxies: int = 0  # how many proxies in front add X-Forwarded-*
    sentry_dsn: str | None = field(default=None, repr=False)
    metrics_token: str | None = field(default=None, repr=False)  # lets Prometheus read /metrics from another machine
    release: str = "development"  # which release is running: for error tracking and the health page
    clamd_url: str | None = None  # tcp://host:3310 or unix:///path of ClamAV's daemon; unset: uploads are not scanned
    mail_url: str | None = field(default=None, repr=False)  # unset: e-mail is off and not offered
    breached_passwords: str | None = None  # file of SHA-1 hashes in order, as haveibeenpwned.com gives it; unset: none
    demo_password: str = field(default="pamoja-demo-2026", repr=False)  # of every demonstration user
    sandbox_url: str | None = None  # where the phone page is, for the sandbox strip

    mpesa_api_url: str = "https://sandbox.safaricom.co.ke"
    mpesa_consumer_key: str | None = field(default=None, repr=False)
    mpesa_consumer_secret: str | None = field(default=None, repr=False)
    mpesa_shortcode: str | None = None
    mpesa_passkey: str | None = field(default=None, repr=False)
    mpesa_initiator: str | None = None
    mpesa_security_credential: str | None = field(default=None, repr=False)
    mpesa_callback_url: str | None = None  # base of the addresses we register; BASE_URL when unset
    mpesa_callback_allowlist: str | None = None  # comma-separated addresses or networks; the published list when unset

    africastalking_api_url: str = "https://api.africastalking.com/version1"
    africastalking_username: str | None = None  # unset: SMS is off and says so
    africastalking_api_key: str | None = field(default=None, repr=False)
    africastalking_sender_id: str | None = None

    @property
    def is_production(self) -> bool:
        return self.profile == "production"

    @property
    def relaxations(self) -> Mapping[str, str]:
        """Rows of the security checklist that this profile relaxes."""
        return {} if self.is_production else SANDBOX_RELAXATIONS

    def check(self) -> Settings:
        """Refuse what would be unsafe; returns itself.

        Raises ConfigurationError naming the setting.
        """
        if self.profile not in ("sandbox", "production"):
            raise ConfigurationError(f"PROFILE must be sandbox or production, not {self.profile!r}.")
        if self.is_production and (reason := next(self._unsafe(), None)):
            raise ConfigurationError(reason)
        return self

    def _unsafe(self) -> Iterator[str]:
        """What must be otherwise before real money comes in, each in a sentence that names the setting."""
        if self.secret_key == DEVELOPMENT_SECRET or len(self.secret_key) < 32:
            yield "SECRET_KEY must be set to at least 32 random characters in production."
        if self.encryption_keys == DEVELOPMENT_KEY:
            yield "ENCRYPTION_KEYS must be set in production (id:base64 of 32 random bytes)."
        if not self.base_url.startswith("https://"):
            yield "BASE_URL must be an https address in production."
        if self.metrics_token is not None and len(self.metrics_token) < 32:
            yield "METRICS_TOKEN must be at least 32 random characters in production."
        for name in ("mpesa_api_url", "africastalking_api_url"):
            if not getattr(self, name).startswith("https://"):
                yield f"{name.upper()} must be an https address in production."
        if self.mpesa_passkey == PUBLIC_PASSKEY:
            yield "MPESA_PASSKEY is the one that Safaricom publishes for its sandbox; enter your own."
        for name in ("database_url", "database_owner_url", "database_replica_url"):
            yield from _unsafe_database(name, getattr(self, name))
        yield from _unsafe_redis(self.redis_url)


def _unsafe_database(name: str, url: str | None) -> Iterator[str]:
    """A database on another machine is spoken to over TLS, with its certificate checked; and always with a password."""
    if url is None:
        return
    parts, options = urlsplit(url), parse_qs(urlsplit(url).query)
    host = parts.hostname or (options.get("host") or [""])[0]
    if not parts.password and not host.startswith("/") and host:
        yield f"{name.upper()} must carry a password in production."
    if not _is_here(host) and options.get("sslmode") != ["verify-full"]:
        yield f"{name.upper()} names another machine: add sslmode=verify-full, so that the line is safe."


def _unsafe_redis(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    if parts.scheme != "unix" and not parts.password:
        yield "REDIS_URL must carry a password in production."
    if parts.scheme == "redis" and not _is_here(parts.hostname or ""):
        yield "REDIS_URL names another machine: use rediss://, so that the line is encrypted."


def _is_here(host: str) -> bool:
    """Whether a host is this very machine: a loopback address, or the folder of a socket."""
    return host in ("", "localhost", "127.0.0.1", "::1") or host.startswith("/")


def settings_from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the process's environment, over what `make run` wrote down.

    Raises ConfigurationError when a required one is missing or a value has the wrong shape.
    """
    values = environment if environment is not None else {**_written_by_launcher(), **os.environ}
    given: dict[str, object] = {}
    for setting in fields(Settings):
        text = values.get(setting.name.upper(), "").strip()
        if text:
            given[setting.name] = _whole_number(setting.name, text) if setting.name == "trusted_proxies" else text
    for required in ("database_url", "redis_url"):
        if required not in given:
            raise ConfigurationError(f"{required.upper()} is not set. `make run` starts both servers and sets it.")
    return Settings(**given).check()  # type: ignore[arg-type]  # names and types come from the dataclass itself


def _whole_number(name: str, text: str) -> int:
    if not text.isdecimal():
        raise ConfigurationError(f"{name.upper()} must be a whole number, not {text!r}.")
    return int(text)


def _written_by_launcher() -> dict[str, str]:
    path = Path(os.environ.get("VAR", "var")) / "environment"
    if not path.is_file():
        return {}
    pairs = (line.split("=", 1) for line in path.read_text().splitlines() if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}
