"""Checkable taste: what the house style says, where a machine can see it.

An exception carries a comment on its line that begins with ``# taste:`` and says why.
"""

from __future__ import annotations

import ast
import re

from tests.taste.source import imports_of, modules, places_of

CLIENTS = re.compile(r"app/(payments/rails/\w+/client|messaging/africastalking|api/webhooks/client)\.py")
MONEY_ROOMS = ("app/kernel", "app/ledger", "app/payments", "app/savings", "app/members", "sandbox")
SHELLS = ("app/web", "app/api", "app/ops", "app/demo")
LONGEST_FILE = 500


def _outside(places: set[str], *allowed: str) -> set[str]:
    return {place for place in places if place.rsplit(":", 1)[0] not in allowed}


def test_only_the_transaction_module_commits() -> None:
    places = places_of(r".*\.(commit|rollback)", "app", "worker.py")

    assert not _outside(places, "app/kernel/transactions.py")


def test_only_the_kernels_clock_reads_the_time() -> None:
    places = places_of(
        r"(.*\.)?(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|localtime|gmtime))", "app"
    )

    assert not _outside(places, "app/kernel/clock.py")


def test_only_config_reads_the_environment() -> None:
    reads = {
        f"{module.path}:{node.lineno}"
        for module in modules("app", "launcher", "config.py", "worker.py", "wsgi.py")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and ast.unparse(node) in ("os.environ", "os.getenv", "os.environb")
        and not module.excuses(node)
    }

    # The launcher makes the environment of all others, in one module.
    assert not _outside(reads, "config.py", "launcher/environment.py")


def test_only_clients_of_providers_speak_http() -> None:
    for package in ("requests", "urllib3", "http", "httpx"):
        strangers = {place for place in imports_of(package, "app") if not CLIENTS.match(place)}

        assert not strangers, package


def test_every_call_to_a_provider_has_a_timeout() -> None:
    without = {
        f"{module.path}:{node.lineno}"
        for module in modules("app")
        if CLIENTS.match(module.path)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("get", "post", "put", "request")
        and ast.unparse(node.func.value).rsplit(".", 1)[-1] in ("http", "requests", "session")
        and not any(keyword.arg == "timeout" for keyword in node.keywords)
    }

    assert not without


def test_certificates_of_providers_are_checked() -> None:
    unchecked = [module.path for module in modules("app") if re.search(r"verify\s*=\s*False", "\n".join(module.lines))]

    assert not unchecked


def test_no_float_comes_near_money() -> None:
    assert not places_of("float", *MONEY_ROOMS)


def test_only_the_ledgers_doors_write_its_tables() -> None:
    statement = re.compile(r"\b(insert\s+into|update|delete\s+from|truncate)\s+ledger\.", re.IGNORECASE)
    writers = [module.path for module in modules("app") if statement.search("\n".join(module.lines))]

    assert not writers


def test_queries_are_never_put_together_from_text() -> None:
    """What a person typed must not become part of a statement: bound parameters, and names from a list of our own."""
    built = {
        f"{module.path}:{node.lineno}"
        for module in modules("app")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("text", "sa.text", "sqlalchemy.text")
        and node.args
        and not _is_our_own_text(node.args[0])
        and not module.excuses(node)
    }

    assert not built


def _is_our_own_text(node: ast.expr) -> bool:
    """A text in the code, a constant's name, or several of these together."""
    if isinstance(node, ast.JoinedStr):
        return all(_is_our_own_text(part) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return _is_our_own_text(node.value)
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id.isupper())


def test_a_file_stays_small_enough_to_be_read_at_once() -> None:
    long = [module.path for module in modules("app", "launcher", "sandbox") if len(module.lines) > LONGEST_FILE]

    assert not long


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        module.path
        for module in modules("app", "launcher", "sandbox", "bench", "config.py", "worker.py", "wsgi.py")
        if module.tree.body and ast.get_docstring(module.tree) is None
    ]

    assert not silent


def test_every_writing_view_declares_a_permission() -> None:
    """The gate refuses what declares nothing; this shows it where it is written."""
    undeclared = {
        f"{module.path}:{function.lineno} {function.name}"
        for module in modules("app")
        if module.path.endswith(("views.py", "api.py")) or module.path.startswith(SHELLS)
        for function in ast.walk(module.tree)
        if isinstance(function, ast.FunctionDef) and _takes_posts(function) and not _declares_access(function)
    }

    assert not undeclared


def _takes_posts(function: ast.FunctionDef) -> bool:
    return any(re.match(r"\w+\.(post|put|patch|delete)\(", ast.unparse(one)) for one in function.decorator_list)


def _declares_access(function: ast.FunctionDef) -> bool:
    names = {ast.unparse(one).split("(")[0].rsplit(".", 1)[-1] for one in function.decorator_list}
    return bool(names & {"requires", "signed_in", "public", "scoped", "declare"})
