"""Whom a server runs as: PostgreSQL refuses to run as root, so root hands it to an account that may do nothing else."""

from __future__ import annotations

import hashlib
import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launcher.trouble import LaunchError

ROOTS_HOMES = Path("/var/lib/pamoja")  # a checkout under /root cannot be entered by anyone else


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine."""

    uid: int
    gid: int

    def for_popen(self) -> dict[str, Any]:
        """What subprocess.Popen needs to run as this user, without the caller's other groups."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def owns(self, path: Path) -> None:
        """Give one file or folder to this user."""
        os.chown(path, self.uid, self.gid)


def is_root() -> bool:
    return os.geteuid() == 0


def server_account(data: Path) -> Account | None:
    """The account that PostgreSQL runs as: our own, unless we are root.

    Data that exists already stays with its owner.
    """
    if not is_root():
        return None
    if data.exists() and data.stat().st_uid != 0:
        return _account_of(data.stat().st_uid)
    for name in ("postgres", "nobody"):
        try:
            return _account_of(pwd.getpwnam(name).pw_uid)
        except KeyError:
            continue
    raise LaunchError("PostgreSQL cannot run as root, and there is no user 'postgres' or 'nobody' to run it as.")


def server_home(folder: Path) -> Path:
    """Where a server's files for ``folder`` live: inside it, or for root in a place that other users can enter.

    The name comes from the folder's path, so two checkouts never share one.
    """
    if not is_root():
        return folder
    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
    return ROOTS_HOMES / f"{folder.parent.name}-{digest}"


def make_enterable(folder: Path) -> None:
    """Create a folder and those missing above it, open to be walked through whatever the umask says.

    The mode of a folder that is already there is never touched.
    """
    if folder.is_dir():
        return
    make_enterable(folder.parent)
    folder.mkdir()
    folder.chmod(0o755)


def _account_of(uid: int) -> Account:
    return Account(uid, pwd.getpwuid(uid).pw_gid)
