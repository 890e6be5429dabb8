"""PostgreSQL and Redis for one run of the tests, started by the same launcher as `make run`."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from flask_migrate import upgrade

from app import create_app
from config import Settings
from launcher.postgres import APPLICATION, DATABASE, FAST_AND_FORGETFUL, OWNER, Postgres
from launcher.redis import Redis
from tests.harness.leftovers import new_folder, remember

SECRET_KEY = "a-secret-for-tests-only-and-long-enough"
ENCRYPTION_KEYS = "test:dGVzdHMtb25seS1rZXktb2YtdGhpcnR5LXR3by1ieXQ="
DEMO_PASSWORD = "a-password-for-tests"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Servers:
    """A running PostgreSQL whose database ``pamoja`` is migrated and empty: the template of all others. And a Redis."""

    postgres: Postgres
    redis: Redis
    folder: Path
    template: str = field(default=DATABASE)

    def settings(self, database: str, **changes: object) -> Settings:
        """Settings of an application that works in ``database``."""
        given: dict[str, object] = {
            "database_url": self.postgres.url(APPLICATION, database),
            "database_owner_url": self.postgres.url(OWNER, database),
            "redis_url": self.redis.url(),
            "secret_key": SECRET_KEY,
            "encryption_keys": ENCRYPTION_KEYS,
            "demo_password": DEMO_PASSWORD,
            "base_url": "http://localhost",
        }
        return Settings(**{**given, **changes})  # type: ignore[arg-type]  # as in config.py, names carry the types

    @contextmanager
    def clone(self) -> Iterator[str]:
        """A fresh database with the schema and what migrations seed, gone afterwards."""
        name = f"clone_{os.getpid()}_{next(_numbers)}"
        self.postgres.create_database(name, template=self.template)
        try:
            yield name
        finally:
            self.postgres.drop_database(name)


@contextmanager
def running_servers(*, durable: bool = False) -> Iterator[Servers]:
    """Start both, migrate the template; everything is gone afterwards.

    ``durable`` keeps the settings of `make run`: for whoever pulls the plug, and for benchmarks.
    """
    folder = new_folder()
    postgres = Postgres(folder / "postgres", settings={} if durable else FAST_AND_FORGETFUL)
    redis = Redis(folder / "redis")
    try:
        with (folder / "servers.log").open("wb") as log:
            postgres.start(log)
            redis.start(log)
        assert postgres.process is not None
        assert redis.process is not None
        remember(folder, postgres=postgres.process.pid, redis=redis.process.pid)
        servers = Servers(postgres, redis, folder)
        migrate(servers.settings(servers.template))
        yield servers
    finally:
        redis.stop()
        postgres.stop()
        postgres.erase()
        shutil.rmtree(folder)


def migrate(settings: Settings) -> None:
    """Bring a database to the newest schema, as its owner."""
    app = create_app(settings)
    with app.app_context():
        upgrade(directory=str(Path(__file__).parents[2] / "migrations"))
