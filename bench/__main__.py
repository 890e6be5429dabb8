"""`python -m bench [ROOM ...]`: run the benchmarks of all rooms, or of those that are named."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable

from bench import ledger, members
from tests.harness.leftovers import clear_away
from tests.harness.servers import Servers, running_servers

ROOMS: dict[str, Callable[[Servers], None]] = {"ledger": ledger.run, "members": members.run}


def main(names: list[str]) -> int:
    """Run what was asked for on one pair of servers with the settings of `make run`."""
    unknown = [name for name in names if name not in ROOMS]
    if unknown:
        print(f"no benchmarks for {', '.join(unknown)}; there are {', '.join(ROOMS)}", file=sys.stderr)
        return 2
    clear_away()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers stop with us, however we are stopped
    with running_servers(durable=True) as servers:
        for name in names or ROOMS:
            ROOMS[name](servers)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
