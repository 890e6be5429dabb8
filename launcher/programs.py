"""The programs that make up Pamoja, as the Procfile lists them, and the sandbox beside them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from string import Template

from launcher.environment import CHECKOUT, Place, for_python
from launcher.processes import PROVIDERS, SHELLS, Program

RELEASE = "release"  # runs to its end before the others start
WEB_STOP_SECONDS = 15.0
WORKER_STOP_SECONDS = 45.0  # longer than the longest job: a warm stop finishes it


def from_procfile(environment: Mapping[str, str]) -> dict[str, Program]:
    """Each line ``name: command`` as a program."""
    lines = (CHECKOUT / "Procfile").read_text().splitlines()
    pairs = (line.split(":", 1) for line in lines if line.strip() and not line.startswith("#"))
    return {name.strip(): python_program(name.strip(), command, environment) for name, command in pairs}


def sandbox(place: Place) -> Program:
    """The simulated providers and the phone. Workers may be asking them while they finish."""
    command = ("python", "-m", "sandbox", "--port", str(place.sandbox_port), "--data", str(place.var / "sandbox"))
    return python_program("sandbox", shlex.join(command), for_python(place), stage=PROVIDERS)


def python_program(name: str, command: str, environment: Mapping[str, str], *, stage: int = SHELLS) -> Program:
    """One of our own programs: its words come from our virtual environment."""
    words = shlex.split(Template(command).substitute(environment))
    words[0] = _in_our_environment(words[0], environment)
    return Program(
        name=name,
        command=tuple(words),
        folder=CHECKOUT,
        environment=environment,
        stop_seconds=WEB_STOP_SECONDS if name == "web" else WORKER_STOP_SECONDS,
        stage=stage,
    )


def _in_our_environment(word: str, environment: Mapping[str, str]) -> str:
    """The program itself: which one a bare name means is decided by the child's PATH, not by ours."""
    for folder in environment["PATH"].split(":"):
        if (CHECKOUT / folder / word).exists():
            return str(CHECKOUT / folder / word)
    return word
