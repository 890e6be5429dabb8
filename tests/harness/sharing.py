"""How `make test` shares the tests out over two processes: by file, and what needs a whole system to one of them."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

WHOLE_SYSTEM = (
    "tests/e2e/",
    "tests/launcher/test_installation.py",
    "tests/launcher/test_newcomer.py",
    "tests/web/test_browser.py",
    "tests/web/test_weight.py",
)
"""Two systems at once are too much for a small machine, and a second one has to be started first."""


class ByFile(LoadScopeScheduling):
    """Keeps a file together, so that what its tests share is made once."""

    def _split_scope(self, nodeid: str) -> str:
        return "a whole system" if nodeid.startswith(WHOLE_SYSTEM) else nodeid.split("::", 1)[0]
