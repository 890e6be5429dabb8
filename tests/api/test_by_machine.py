"""Every endpoint is sent what the document allows and what it does not, over a real port, and answers as it says.

The machine is schemathesis, with all its checks: no 5xx; statuses, types, headers and bodies as described; wrong data
refused, right data not; methods and missing headers refused; sign-in never ignored; what was made can be read.

A longer search by hand: ``MACHINE_EXAMPLES=100 MACHINE_SEED=7 .venv/bin/pytest tests/api/test_by_machine.py``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from flask import Flask

from tests.api.town import Town, running_town

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
PROGRAM = Path(sys.executable).with_name("st")
EXAMPLES = os.environ.get("MACHINE_EXAMPLES", "2")  # of each kind, for each endpoint: some seven hundred requests
SEED = os.environ.get("MACHINE_SEED", "2026")  # the same requests in each run


def try_everything(town: Town, folder: Path) -> subprocess.CompletedProcess[str]:
    """All endpoints, with this town's own records where an address names one."""
    names = ("member_id", "member_number", "account_number", "payment_id")
    records = {f"TOWN_{name.upper()}": getattr(town, name) for name in names}
    return subprocess.run(
        [
            PROGRAM, "--no-color", "--config-file", CONFIGURATION, "run", f"{town.url}/api/openapi.json",
            "--header", f"Authorization: Bearer {town.token}", "--checks", "all", "--no-shrink",
            "--workers", "2", "--max-examples", EXAMPLES, "--seed", SEED, "--warnings", "off",
        ],
        env={**os.environ, **records, "TOWN_ALLOCATION_ID": town.allocation_ids[0]},
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip


def test_the_machine_finds_nothing(committed_app: Flask, tmp_path: Path) -> None:
    with running_town(committed_app) as town:
        tried = try_everything(town, tmp_path)

    assert tried.returncode == 0, tried.stdout
    assert "No issues found" in tried.stdout
