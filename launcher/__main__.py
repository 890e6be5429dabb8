"""`python -m launcher run` starts everything and stays; `stop` ends what runs; `clean` also removes its data."""

from __future__ import annotations

import argparse
import sys

from launcher.environment import place_from_environment
from launcher.installation import Installation
from launcher.trouble import LaunchError


def main() -> int:
    """Do what the command line says; the exit code is 1 when a person has to put something right."""
    parser = argparse.ArgumentParser(prog="launcher", description=__doc__)
    parser.add_argument("what", choices=("run", "stop", "clean"))
    what = parser.parse_args().what
    try:
        here = Installation(place_from_environment())
        {"run": here.run, "stop": here.stop, "clean": here.clean}[what]()
    except LaunchError as trouble:
        print(f"Pamoja: {trouble}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
