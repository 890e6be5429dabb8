"""create_app(): the table of contents of Pamoja. The one place that knows every room and wires them together."""

from __future__ import annotations

from flask import Flask
from flask_migrate import Migrate
from redis import Redis

from app.kernel import clock as kernel_clock
from app.kernel.database import ENGINE_OPTIONS, db
from app.kernel.encryption import Keyring
from config import Settings

migrate = Migrate(directory="migrations", compare_type=True)

REDIS_TIMEOUT_SECONDS = 2  # the doorbell may be out of order; nobody waits for it long


def create_app(settings: Settings, *, clock: kernel_clock.Clock = kernel_clock.system_clock) -> Flask:
    """Build the application for these settings; a test may hand in its own clock."""
    app = Flask(__name__, template_folder="../templates", static_folder=None)
    _ground(app, settings, clock)
    _rooms(app)
    return app


def _ground(app: Flask, settings: Settings, clock: kernel_clock.Clock) -> None:
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=_driver(settings.database_url),
        DATABASE_OWNER_URL=_driver(settings.database_owner_url or settings.database_url),
        SQLALCHEMY_ENGINE_OPTIONS=ENGINE_OPTIONS,
        MAX_CONTENT_LENGTH=1_000_000,
    )
    app.extensions["settings"] = settings
    app.extensions["clock"] = clock
    app.extensions["keyring"] = Keyring.parse(settings.encryption_keys)
    app.extensions["redis"] = Redis.from_url(
        settings.redis_url, socket_connect_timeout=REDIS_TIMEOUT_SECONDS, health_check_interval=30
    )
    db.init_app(app)
    migrate.init_app(app, db)


def _rooms(app: Flask) -> None:
    """Rooms join here as they are built."""


def _driver(url: str) -> str:
    """The same address, spoken to with psycopg 3 whichever way it was written."""
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url
