"""Units, container file and example of the environment, seen by systemd itself where it is there."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from app.kernel import doorbell
from config import Settings, settings_from_environment

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SYSTEMD = DEPLOY / "systemd"
UNITS = sorted(path.name for path in SYSTEMD.glob("*.service"))
WORST_EXPOSURE = 25  # tenths, as `systemd-analyze security` counts: 2.5 is "OK", 9.6 a service without any care

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like a machine on which Pamoja is installed."""
    root = tmp_path_factory.mktemp("machine")
    units = root / "etc" / "systemd" / "system"
    shutil.copytree(SYSTEMD, units)
    for target in ("sysinit", "basic", "shutdown", "network-online", "multi-user"):
        (units / f"{target}.target").write_text("[Unit]\nDescription=Of any machine\n")
    for program in ("gunicorn", "python", "flask"):
        path = root / "opt" / "pamoja" / ".venv" / "bin" / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    kill = root / "bin" / "kill"
    kill.parent.mkdir()
    kill.write_text("#!/bin/sh\n")
    kill.chmod(0o755)
    return root


@needs_systemd
@pytest.mark.parametrize("unit", UNITS)
def test_units_are_understood_and_give_up_what_they_do_not_need(machine: Path, unit: str) -> None:
    """An unknown setting is only warned of by systemd, and then does nothing: so no word may be said."""
    analyze = ["systemd-analyze", f"--root={machine}", "--no-pager"]
    threshold = f"--threshold={WORST_EXPOSURE}"

    understood = subprocess.run([*analyze, "--man=no", "verify", unit], capture_output=True, text=True, check=False)
    exposed = subprocess.run(
        [*analyze, "--offline=yes", threshold, "security", unit], capture_output=True, text=True, check=False
    )

    told = [line for line in understood.stderr.splitlines() if "pamoja" in line]
    assert told == []
    assert exposed.returncode == 0, exposed.stdout


def test_there_is_a_unit_for_every_program() -> None:
    commands = {line.split(":", 1)[0]: line.split(":", 1)[1] for line in (ROOT / "Procfile").read_text().splitlines()}
    started = "\n".join((SYSTEMD / unit).read_text() for unit in UNITS)

    assert set(commands) == {"release", "web", "scheduler", *doorbell.QUEUES}
    for words in ("flask --app wsgi db upgrade", "gunicorn --config gunicorn.conf.py", "worker.py --scheduler"):
        assert words in started
    assert "worker.py %i" in started


def test_a_worker_is_given_longer_than_its_longest_job() -> None:
    text = (SYSTEMD / "pamoja-worker@.service").read_text()
    seconds = re.search(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)

    assert seconds is not None
    assert int(seconds[1]) > doorbell.JOB_TIMEOUT_SECONDS


def test_only_the_migration_knows_the_owner_of_the_database() -> None:
    assert "DATABASE_OWNER_URL" not in (DEPLOY / "environment.example").read_text()
    knowing = [unit for unit in UNITS if "migrate.environment" in (SYSTEMD / unit).read_text()]
    assert knowing == ["pamoja-migrate.service"]


def test_the_example_of_the_environment_names_settings_that_exist_and_no_secret() -> None:
    lines = [
        line for line in (DEPLOY / "environment.example").read_text().splitlines() if "=" in line and line[0] != "#"
    ]
    given = dict(line.split("=", 1) for line in lines)

    assert set(given) <= {setting.name.upper() for setting in fields(Settings)}
    assert given["SECRET_KEY"] == given["ENCRYPTION_KEYS"] == given["METRICS_TOKEN"] == ""
    filled = {**given, "SECRET_KEY": "s" * 40, "ENCRYPTION_KEYS": "k1:dGVzdHMtb25seS1rZXktb2YtdGhpcnR5LXR3by1ieXQ="}
    settings = settings_from_environment({name: value for name, value in filled.items() if value})
    assert (settings.is_production, settings.trusted_proxies) == (True, 1)


# The container file


CONTAINER = (DEPLOY / "Containerfile").read_text()
LAST_STAGE = CONTAINER[CONTAINER.rindex("\nFROM") :]


def test_the_image_runs_as_nobody_in_particular_and_starts_without_a_shell() -> None:
    users = re.findall(r"^USER (\S+)$", LAST_STAGE, re.MULTILINE)

    assert users == ["10001:10001"]
    assert LAST_STAGE.index("USER") < LAST_STAGE.index("\nCMD [")
    assert not re.findall(r"^(ADD|RUN .*(curl|wget))", CONTAINER, re.MULTILINE)


def test_the_image_holds_what_runs_and_nothing_that_is_for_trying_or_testing() -> None:
    copied = " ".join(re.findall(r"^COPY (?!--from)(.+) \S+$", CONTAINER, re.MULTILINE)).split()

    assert {"app", "migrations", "static", "templates", "config.py", "worker.py", "wsgi.py"} <= set(copied)
    assert not {"sandbox", "tests", "bench", "launcher", "deploy", ".", "requirements-dev.txt"} & set(copied)
    assert all((ROOT / path).exists() for path in copied)
    assert "--require-hashes" in CONTAINER
    assert "requirements-dev" not in CONTAINER


def test_what_the_image_runs_needs_nothing_that_stays_outside() -> None:
    """The launcher and the sandbox are not in the image, so nothing in it may import them."""
    folders = [*(ROOT / "app").rglob("*.py"), *(ROOT / "migrations").rglob("*.py")]
    files = [*folders, *(ROOT / name for name in ("config.py", "worker.py", "wsgi.py", "gunicorn.conf.py"))]
    outside = re.compile(r"^\s*(from|import) (launcher|sandbox|tests|bench)\b", re.MULTILINE)

    assert not [str(path) for path in files if outside.search(path.read_text())]
