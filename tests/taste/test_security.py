"""Security habits that a machine can see in the text. What ruff's own rules (S, BLE, DTZ) cover is left to them.

An exception carries a comment on its line that begins with ``# taste:`` and says why.
"""

from __future__ import annotations

import ast
import re

import pytest

from tests.taste.source import ROOT, calls, imports_of, modules, places_of, templates

EVERYTHING = ("app", "launcher", "migrations", "sandbox", "config.py", "worker.py", "wsgi.py", "gunicorn.conf.py")
STATEMENTS = re.compile(r"\b(select|insert|update|delete|grant|alter|create|drop|truncate)\b", re.IGNORECASE)
SCRIPTS = [path.relative_to(ROOT).as_posix() for path in (ROOT / "static").glob("*.js")]


def test_no_statement_is_put_together_from_what_somebody_typed() -> None:
    """C5: what is executed is a text of ours or a SQLAlchemy expression, never an f-string, a sum or a format."""
    built = {
        f"{module.path}:{call.lineno}"
        for module in modules("app")
        for name, call in calls(module)
        if name.rsplit(".", 1)[-1] in ("execute", "executemany", "exec_driver_sql", "scalar", "scalars", "copy")
        and call.args
        and _is_put_together(call.args[0])
        and not module.excuses(call)
    }

    assert not built


def _is_put_together(node: ast.expr) -> bool:
    """An f-string, ``%`` or ``+`` on a text, or ``"…".format``, with a statement in it."""
    pieces = ast.unparse(node)
    is_sum = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod) and "'" in pieces
    is_formatted = isinstance(node, ast.Call) and ast.unparse(node.func).endswith("'.format")
    is_f_string = isinstance(node, ast.JoinedStr) and any(
        isinstance(part, ast.FormattedValue) and not ast.unparse(part.value).isupper() for part in node.values
    )
    return (is_sum or is_formatted or is_f_string) and bool(STATEMENTS.search(pieces))


def test_nothing_is_run_by_a_shell_or_made_of_text() -> None:
    """C6, C9: no shell, no eval, no code that came from somewhere."""
    assert not places_of(r"os\.(system|popen)|eval|exec|compile|__import__|subprocess\.getoutput", *EVERYTHING)
    with_a_shell = {
        f"{module.path}:{call.lineno}"
        for module in modules(*EVERYTHING)
        for _, call in calls(module)
        if any(one.arg == "shell" and getattr(one.value, "value", True) for one in call.keywords)
    }
    assert not with_a_shell


def test_the_running_system_starts_no_other_programs() -> None:
    """C6: only the launcher does. Uploads are decoded in a process that is confined, and that one is started here."""
    starters = {place.rsplit(":", 1)[0] for place in places_of(r"subprocess\.\w+|os\.(exec|spawn)\w+", "app")}

    assert starters <= {"app/kernel/files/confinement.py"}


@pytest.mark.parametrize("package", ["pickle", "marshal", "shelve", "dill", "yaml"])
def test_nothing_is_brought_to_life_from_bytes(package: str) -> None:
    """C17: JSON on every wire."""
    assert not imports_of(package, "app", "worker.py", "sandbox")


def test_chance_that_guards_something_comes_from_the_operating_system() -> None:
    """C76: invented people may come from a seed, secrets may not."""
    strangers = {place for place in imports_of("random", "app") if not place.startswith("app/demo/")}

    assert not strangers


def test_cryptography_is_somebody_elses() -> None:
    """C104: ciphers are used in the kernel alone, and weak ones nowhere."""
    users = {place.rsplit(":", 1)[0] for place in imports_of("cryptography", "app")}

    assert all(path.startswith(("app/kernel/", "app/payments/rails/")) for path in users)
    assert not places_of(r".*\b(DES|RC4|ARC4|Blowfish|ECB)\b.*", *EVERYTHING)


def test_weak_hashes_guard_nothing() -> None:
    """C106: MD5 and SHA-1 only where somebody else's list is made of them, and said so."""
    guarding = {
        f"{module.path}:{call.lineno}"
        for module in modules(*EVERYTHING)
        for name, call in calls(module)
        if name in ("hashlib.md5", "hashlib.sha1")
        and not any(one.arg == "usedforsecurity" and ast.unparse(one.value) == "False" for one in call.keywords)
    }

    assert not guarding


def test_a_secret_is_never_compared_sign_by_sign() -> None:
    """What is compared with a secret is compared in constant time, or looked up by its keyed hash."""
    compared = {
        f"{module.path}:{node.lineno}"
        for module in modules("app")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Compare)
        and isinstance(node.ops[0], ast.Eq | ast.NotEq)
        and any(_is_a_secret(side) for side in (node.left, *node.comparators))
        and not module.excuses(node)
    }

    assert not compared


def _is_a_secret(node: ast.expr) -> bool:
    name = ast.unparse(node).rsplit(".", 1)[-1]
    return bool(re.fullmatch(r"(secret|signature|mac|otp|pin|recovery_code)", name))


def test_no_pattern_is_made_of_what_somebody_typed() -> None:
    """C7: a regular expression is a text of ours."""
    made = {
        f"{module.path}:{call.lineno}"
        for module in modules("app")
        for name, call in calls(module)
        if name in ("re.compile", "re.match", "re.search", "re.fullmatch", "re.sub", "re.findall", "re.split")
        and call.args
        and not _is_constant(call.args[0])
        and not module.excuses(call)
    }

    assert not made


def _is_constant(node: ast.expr) -> bool:
    if isinstance(node, ast.JoinedStr):
        return all(isinstance(part, ast.Constant) or ast.unparse(part).strip("{}'f").isupper() for part in node.values)
    if isinstance(node, ast.BinOp):
        return _is_constant(node.left) and _is_constant(node.right)
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id.strip("_").isupper())


def test_no_template_is_made_of_what_somebody_typed() -> None:
    """C12: templates are files."""
    assert not places_of(r".*render_template_string|jinja2\.\w+|.*\.from_string", "app")
    assert not imports_of("jinja2", "app")


def test_outgoing_calls_follow_no_redirect() -> None:
    """C134: a provider that sends us elsewhere is misconfigured or not the provider."""
    following = {
        f"{module.path}:{call.lineno}"
        for module in modules("app")
        for _, call in calls(module)
        if any(one.arg == "allow_redirects" and getattr(one.value, "value", True) is not False for one in call.keywords)
    }

    assert not following


def test_a_broad_except_says_why() -> None:
    """C150: what is caught without a name is caught on purpose."""
    silent = {
        f"{module.path}:{node.lineno}"
        for module in modules("app")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
        and "#" not in module.lines[node.lineno - 1]
        and not _raises_again(node)
    }

    assert not silent


def _raises_again(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise) for node in ast.walk(handler))


@pytest.mark.parametrize("path", templates())
def test_a_template_links_only_to_addresses_that_we_made(path: str) -> None:
    """C3: what somebody typed never becomes an address by itself."""
    text = (ROOT / path).read_text()
    for value in re.findall(r"(?:href|src|action|hx-get|hx-post)\s*=\s*\"\{\{\s*(.*?)\s*\}\}", text):
        is_made_here = "url_for(" in value or re.match(r"(asset|address|\w*_url)\(", value)
        is_handed_in = re.fullmatch(r"\w+(\.\w*(url|page))?|\w+\[\w+\]", value)  # by a view, or to a macro
        assert is_made_here or is_handed_in, value


@pytest.mark.parametrize("path", SCRIPTS)
def test_a_script_shows_text_as_text(path: str) -> None:
    """C29: no markup is made in the browser, nothing is kept there (C127), and nothing is evaluated (C9)."""
    text = (ROOT / path).read_text()

    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
    assert not re.search(r"localStorage|sessionStorage|document\.cookie|indexedDB", text)
