"""What the programs are told: secrets made once, addresses made at each start, and whatever the caller has set.

The one module of the launcher that reads the environment. What it makes up is written to ``VAR/environment``, which
config.py reads when a variable is unset: so a command typed in a second shell talks to the running system.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from launcher import files
from launcher.trouble import LaunchError

CHECKOUT = Path(__file__).resolve().parents[1]
SECRETS = ("SECRET_KEY", "ENCRYPTION_KEYS")  # whoever loses these loses what they sign and encrypt


@dataclass(frozen=True, slots=True)
class Place:
    """One copy of Pamoja: its data folder and the ports that people know."""

    var: Path
    port: int
    sandbox_port: int
    given: Mapping[str, str]  # the caller's environment

    @property
    def base_url(self) -> str:
        return self.given.get("BASE_URL") or f"http://127.0.0.1:{self.port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def is_production(self) -> bool:
        return self.given.get("PROFILE") == "production"

    @property
    def own_postgres(self) -> bool:
        return not self.given.get("DATABASE_URL")

    @property
    def own_redis(self) -> bool:
        return not self.given.get("REDIS_URL")


def place_from_environment(environment: Mapping[str, str] | None = None) -> Place:
    """Where this copy lives, as VAR, PORT and SANDBOX_PORT say.

    Raises LaunchError for a port that is none, and for a database without its owner's address.
    """
    given = dict(os.environ if environment is None else environment)
    if given.get("DATABASE_URL") and not given.get("DATABASE_OWNER_URL"):
        raise LaunchError("DATABASE_URL is set: set DATABASE_OWNER_URL too, migrations run as the owner.")
    return Place(
        var=(CHECKOUT / (given.get("VAR") or "var")).resolve(),
        port=_port(given, "PORT", 8000),
        sandbox_port=_port(given, "SANDBOX_PORT", 8100),
        given=given,
    )


def write_environment(place: Place, addresses: Mapping[str, str]) -> dict[str, str]:
    """Complete ``VAR/environment`` and return what every program of this copy is given.

    ``addresses`` are those of what we started, with what it takes to sign in there. Secrets that are there stay.
    """
    path = place.var / "environment"
    before = _read(path)
    made = {name: before.get(name) or _new_secret(name) for name in SECRETS}
    made |= {**addresses, "BASE_URL": place.base_url}
    files.write_private(path, _as_text(made))
    return {**made, **for_python(place)}


def for_python(place: Place) -> dict[str, str]:
    """The caller's environment and what a program of ours needs to run at all. An empty variable counts as unset."""
    given = {name: value for name, value in place.given.items() if value}
    programs = f"{Path(sys.executable).parent}{os.pathsep}{given.get('PATH', os.defpath)}"
    added = {
        "PATH": programs,
        "PYTHONUNBUFFERED": "1",  # a line of the log is seen when it is written
        "VAR": str(place.var),
        "PORT": str(place.port),
        "SANDBOX_PORT": str(place.sandbox_port),
    }
    if sys.platform == "darwin":
        # A forked worker would be killed by the system's Objective-C library otherwise.
        added["OBJC_DISABLE_INITIALIZE_FORK_SAFETY"] = "YES"
    # Nine processes import the same modules: each would compile them again.
    given.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**given, **added}


def _new_secret(name: str) -> str:
    if name == "ENCRYPTION_KEYS":
        return f"k{secrets.token_hex(3)}:{base64.b64encode(secrets.token_bytes(32)).decode()}"
    return secrets.token_urlsafe(48)


def _read(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    pairs = (line.split("=", 1) for line in path.read_text().splitlines() if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}


def _as_text(values: Mapping[str, str]) -> str:
    lines = ["# Made by `make run`; addresses are written anew at each start. SECRET_KEY and ENCRYPTION_KEYS stay:"]
    lines += ["# without them nobody can read what is encrypted in the database."]
    return "\n".join(lines + [f"{name}={value}" for name, value in values.items()]) + "\n"


def _port(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name) or str(default)
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise LaunchError(f"{name} must be a port number from 1 to 65535, not {text!r}.")
    return int(text)
