"""Production does not start with a role that could rewrite the books."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app import create_app
from config import ConfigurationError, Settings
from launcher.postgres import OWNER
from tests.harness.apps import dispose


def production(settings: Settings) -> Settings:
    return replace(
        settings,
        profile="production",
        secret_key="s" * 40,
        base_url="https://pamoja.example",
        mpesa_api_url="https://api.safaricom.co.ke",
    )


def test_the_applications_role_may_run_production(servers):
    with servers.clone() as name:
        app = create_app(production(servers.settings(name)))
        dispose(app)


def test_the_owner_may_not(servers):
    with servers.clone() as name:
        strong = replace(production(servers.settings(name)), database_url=servers.postgres.url(OWNER, name))

        with pytest.raises(ConfigurationError, match="owner or superuser"):
            create_app(strong)
