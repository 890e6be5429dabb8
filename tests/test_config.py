"""Settings: what is missing or unsafe is named, and production does not start with it."""

from __future__ import annotations

import base64

import pytest
from flask import Flask

from app.ops import start
from config import PUBLIC_PASSKEY, ConfigurationError, Settings, settings_from_environment

SAFE = {
    "PROFILE": "production",
    "DATABASE_URL": "postgresql://pamoja:a-password@db.sacco.example/pamoja?sslmode=verify-full",
    "REDIS_URL": "rediss://:a-password@redis.sacco.example:6379/0",
    "SECRET_KEY": "s" * 40,
    "ENCRYPTION_KEYS": "k1:" + base64.b64encode(bytes(range(32))).decode(),
    "BASE_URL": "https://pamoja.sacco.example",
    "MPESA_API_URL": "https://api.safaricom.co.ke",
}


def read(**changes: str) -> Settings:
    return settings_from_environment(SAFE | changes)


def test_production_starts_with_safe_settings_and_relaxes_nothing() -> None:
    assert read().is_production
    assert read().relaxations == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PROFILE", "staging"),
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "development-only-secret"),
        ("SECRET_KEY", "too-short"),
        ("ENCRYPTION_KEYS", ""),
        ("BASE_URL", "http://pamoja.sacco.example"),
        ("MPESA_API_URL", "http://api.safaricom.co.ke"),
        ("MPESA_PASSKEY", PUBLIC_PASSKEY),
        ("METRICS_TOKEN", "short"),
        ("TRUSTED_PROXIES", "one"),
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "postgresql://pamoja:a-password@db.sacco.example/pamoja"),
        ("DATABASE_URL", "postgresql://pamoja:a-password@db.sacco.example/pamoja?sslmode=require"),
        ("DATABASE_URL", "postgresql://pamoja@127.0.0.1/pamoja"),
        ("DATABASE_OWNER_URL", "postgresql://owner:a-password@10.0.0.5/pamoja"),
        ("DATABASE_REPLICA_URL", "postgresql://pamoja:a-password@replica.sacco.example/pamoja"),
        ("REDIS_URL", "redis://127.0.0.1:6379/0"),
        ("REDIS_URL", "redis://:a-password@redis.sacco.example:6379/0"),
    ],
)
def test_production_refuses_what_is_unsafe_and_names_the_setting(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        read(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://pamoja:a-password@127.0.0.1:6432/pamoja"),
        ("DATABASE_URL", "postgresql:///pamoja?host=/run/postgresql"),
        ("REDIS_URL", "redis://:a-password@127.0.0.1:6379/0"),
        ("REDIS_URL", "unix:///run/redis.sock"),
    ],
)
def test_servers_on_this_machine_need_no_tls(name: str, value: str) -> None:
    assert read(**{name: value})


def test_the_sandbox_may_be_simple() -> None:
    simple = {"DATABASE_URL": "postgresql://localhost/pamoja", "REDIS_URL": "redis://localhost"}

    assert settings_from_environment(simple).profile == "sandbox"


def test_no_secret_is_in_what_a_setting_prints() -> None:
    shown = repr(read(MPESA_PASSKEY="a-passkey-of-our-own", SENTRY_DSN="https://key@sentry.example/1"))

    assert not [secret for secret in ("s" * 40, "a-password", "a-passkey", "key@sentry") if secret in shown]


def test_production_never_runs_with_the_debugger() -> None:
    app = Flask("debugged")
    app.debug = True

    with pytest.raises(ConfigurationError, match="FLASK_DEBUG"):
        start.refuse_debugging(app)
