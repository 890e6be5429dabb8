"""What a template must be, whatever it shows."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.taste.source import ROOT, modules, templates

VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
SHAPES = {"circle", "path", "use"}  # of icons; written without an end as well
IN_PYTHON = "\n".join("\n".join(module.lines) for module in modules("app"))
FRAGMENTS = [
    path for path in templates() if Path(path).name[0] == "_" and f'"{path.removeprefix("templates/")}"' in IN_PYTHON
]
"""Templates that a view answers with alone; the others are only included."""


class Roots(HTMLParser):
    """Finds the elements and the words that stand in nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.roots: list[tuple[str, dict[str, str | None]]] = []
        self.loose_words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self.open:
            self.roots.append((tag, dict(attrs)))
        if tag not in VOID | SHAPES:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self.open:
            self.roots.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        while tag in self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self.open and data.strip():
            self.loose_words.append(data.strip())


def _markup(path: str) -> str:
    """The HTML of a template: what Jinja decides is left out, what it prints becomes a letter."""
    text = (ROOT / path).read_text()
    text = re.sub(r"\{#.*?#\}", "", text, flags=re.DOTALL)
    text = re.sub(r"\{%-?\s*macro\b.*?\bendmacro\s*-?%\}", "", text, flags=re.DOTALL)
    text = re.sub(r"\{%-?\s*call\b.*?%\}", '<called-macro id="x">', text, flags=re.DOTALL)
    text = re.sub(r"\{%-?\s*endcall\b.*?%\}", "</called-macro>", text, flags=re.DOTALL)
    text = re.sub(r"\{%.*?%\}", "", text, flags=re.DOTALL)
    return re.sub(r"\{\{.*?\}\}", "x", text, flags=re.DOTALL)


@pytest.mark.parametrize("path", FRAGMENTS)
def test_a_fragment_has_one_root_with_an_id(path: str) -> None:
    reader = Roots()
    reader.feed(_markup(path))
    # What else changed rides along in elements of its own, which htmx takes apart from the fragment.
    roots = [(tag, attributes) for tag, attributes in reader.roots if tag != "hx-partial"]

    assert not reader.loose_words
    assert len(roots) == 1, [tag for tag, _ in roots]
    assert roots[0][1].get("id"), f"<{roots[0][0]}> has no id"


@pytest.mark.parametrize("path", templates())
def test_a_template_holds_nothing_that_the_content_security_policy_forbids(path: str) -> None:
    text = _markup(path)

    assert not re.search(r"\son\w+\s*=\s*[\"']", text), "an inline event handler"
    assert not re.search(r"\shx-on", text), "hx-on needs eval"
    assert not re.search(r"<style\b|\sstyle\s*=", text), "an inline style"
    assert not re.search(r"<script(?![^>]*\ssrc=)", text), "an inline script"
    assert not re.search(r"(src|href)\s*=\s*[\"'](https?:)?//", text), "something that others serve"
    assert not re.search(r"[\"']js:", text), "a js: value"


@pytest.mark.parametrize("path", templates())
def test_a_form_that_changes_something_carries_a_token(path: str) -> None:
    text = (ROOT / path).read_text()

    for form in re.findall(r"<form\b[^>]*method=[\"']post[\"'].*?</form>", text, flags=re.DOTALL | re.IGNORECASE):
        # The macro `hidden` brings it, together with the idempotency key.
        assert "csrf_token" in form or "hidden(" in form, form[:200]


@pytest.mark.parametrize("path", templates())
def test_nothing_is_marked_as_safe_in_a_template(path: str) -> None:
    assert not re.search(r"\|\s*safe\b|autoescape\s+false", (ROOT / path).read_text())
