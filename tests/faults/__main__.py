"""Run the episodes in the order of a seed, let the system heal, and say what broke. Non-zero when anything did."""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

from tests.faults import invariants
from tests.faults.episodes import EPISODES
from tests.faults.town import Town
from tests.harness.programs import running_stack

EVIDENCE = Path("faults.log")


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=20261122, help="replays the order and every random pause")
    parser.add_argument("--only", nargs="*", choices=sorted(EPISODES), help="these episodes alone")
    arguments = parser.parse_args()
    names = arguments.only or sorted(EPISODES)
    rng = random.Random(arguments.seed)
    rng.shuffle(names)
    with running_stack() as stack:
        town = Town(stack, rng)
        for name in names:
            begun = time.monotonic()
            EPISODES[name](town)
            print(f"{name}: {time.monotonic() - begun:.1f} s", flush=True)
        seconds = invariants.wait_until_healed(town)
        found = invariants.broken(town)
        print(
            f"healed in {seconds:.0f} s; {len(town.asked)} prompts, {len(town.moved())} receipts; seed {arguments.seed}"
        )
        if found:
            EVIDENCE.write_text(stack.log_text())
            print(f"what the system said is in {EVIDENCE}")
    for sentence in found:
        print(f"BROKEN {sentence}")
    print("faults: all invariants hold" if not found else f"faults: {len(found)} broken")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
