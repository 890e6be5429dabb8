"""The society's own words for texts, over those that Pamoja brings.

A wording is only ever added to; the latest holds, and one without words means Pamoja's own again. Facts stand in it as
``{amount}``: only the names that belong to the text, each that a member must not miss, and nothing else in braces. What
fills them knows names and nothing more (`texts.fill`), so no wording can reach into the program.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import Field
from sqlalchemy import func, select

from app import audit
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.effects import Change, Effect
from app.kernel.errors import Invalid
from app.kernel.fields import PlainLine
from app.kernel.forms import Form
from app.kernel.money import kes
from app.messaging import gsm, texts
from app.messaging.errors import TextMissing
from app.messaging.models import SmsWording
from app.messaging.texts import Fact, Language, Template

SUBJECT = ("society", "texts")  # what proposals are about
MOST_PARTS = 2  # a longer text costs the society as much as three

OPTIONAL: Mapping[str, frozenset[str]] = {
    "payment_prompt": frozenset({"purpose"}),
    "payment_received": frozenset({"purpose", "at"}),
    "payment_in_suspense": frozenset({"at"}),
    "member_welcome": frozenset({"name"}),
}
"""Facts that a wording may leave out; all others of a text a member must not miss."""

_EXAMPLES: Mapping[str, Fact] = {
    "amount": kes("1,250"),
    "purpose": "savings",
    "account": "SV-000123",
    "receipt": "UKM4T7X2QA",
    "at": datetime(2026, 11, 22, 7, 41, tzinfo=UTC),
    "on": date(2026, 11, 22),
    "balance": kes("184,250"),
    "name": "Mary",
    "number": "M000123",
    "code": "482913",
    "pin": "4829",
    "ending": "678",
}
_LONGEST: Mapping[str, Fact] = {
    **_EXAMPLES,
    "amount": kes("999,999.00"),
    "purpose": "registration fee",
    "account": "SV-123456789",
    "balance": kes("99,999,999.99"),
    "name": "Christopher Wanyonyi",
    "number": "M00123456",
}
_PLACE = re.compile(r"\{([a-z_]+)\}")


class Wording(Form):
    """New words for one text in one language; none takes Pamoja's own again."""

    template: Annotated[str, Field(max_length=60)]
    language: Language
    words: Annotated[PlainLine, Field(min_length=10, max_length=400)] | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """How a wording reads with example facts, and what the longest facts would make it cost."""

    text: str
    length: gsm.Length


def words(name: str, language: Language) -> str:
    """What a text says now, with the places of its facts."""
    latest = _latest(name, language)
    return latest.words if latest and latest.words else texts.TEMPLATES[name].words(language)


def version(name: str, language: Language) -> int:
    """How often the society has worded a text; none of them is lost."""
    latest = _latest(name, language)
    return latest.version if latest else 0


def own() -> dict[tuple[str, Language], str]:
    """What the society words itself, by text and language; in one query."""
    rows = db.session.scalars(select(SmsWording).order_by(SmsWording.version)).all()
    latest = {(row.template, row.language): row.words for row in rows}
    return {key: said for key, said in latest.items() if said is not None}


def template(name: str) -> Template:
    """One text by its name. Refuses with TextMissing."""
    found = texts.TEMPLATES.get(name)
    if found is None:
        raise TextMissing
    return found


def needed(text: Template) -> list[str]:
    """The facts that every wording of a text must tell."""
    return sorted(text.facts - OPTIONAL.get(text.name, frozenset()))


def preview(text: Template, language: Language, said: str) -> Preview:
    """The finished text with example facts; its length with the longest."""
    example = texts.compose(text.name, _facts(text, _EXAMPLES), language=language, words=said)
    longest = texts.compose(text.name, _facts(text, _LONGEST), language=language, words=said)
    return Preview(example, gsm.measure(longest))


def check(values: Wording) -> None:
    """Refuse with TextMissing and Invalid what cannot be said: facts unknown or missing, or too long."""
    text = template(values.template)
    if values.words is None:
        return
    if sentence := why_not(text, values.words):
        raise Invalid({"words": sentence})
    length = preview(text, values.language, values.words).length
    if length.parts > MOST_PARTS:
        raise Invalid({"words": f"This takes {length.parts} messages to send. Use fewer words; at most {MOST_PARTS}."})


def why_not(text: Template, said: str) -> str | None:
    """Why these words cannot be used, as a sentence."""
    placed = set(_PLACE.findall(said))
    if strange := sorted(placed - text.facts):
        return f"This text knows no {{{strange[0]}}}. It can say: {_listed(text.facts)}."
    if "{" in (rest := _PLACE.sub("", said)) or "}" in rest:
        return f"Write facts like {{amount}}, without anything else in the braces. It can say: {_listed(text.facts)}."
    if lost := [fact for fact in needed(text) if fact not in placed]:
        return f"The member must be told {_listed(lost)}."
    return None


def effect(values: Wording) -> Effect:
    """What members would read. Refuses with TextMissing and Invalid."""
    check(values)
    text, now = template(values.template), words(values.template, values.language)
    said = values.words or text.words(values.language)
    shown = preview(text, values.language, said)
    is_long = shown.length.parts > 1
    return Effect(
        title=f"Text “{text.title}” in {values.language.label}",
        facts=(("Read by a member", shown.text), ("Messages each", str(shown.length.parts))),
        changes=(Change(what="Words", before=now, after=said),),
        warnings=(f"It takes {shown.length.parts} messages to send, and costs as many.",) if is_long else (),
    )


def put(values: Wording, /, *, key: str, on: date, by: Actor) -> str:
    """Say it so from now on. Refuses with TextMissing and Invalid."""
    check(values)
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"text {values.template}", 0))))
    before = words(values.template, values.language)
    latest = select(func.coalesce(func.max(SmsWording.version), 0)).where(
        SmsWording.template == values.template, SmsWording.language == values.language
    )
    row = SmsWording(
        template=values.template,
        language=values.language,
        version=(db.session.scalar(latest) or 0) + 1,
        words=values.words,
        created_by=by.principal,
    )
    db.session.add(row)
    audit.record(
        "messaging.worded",
        subject=("text", values.template),
        by=by,
        before={"language": values.language, "words": before},
        after={"language": values.language, "words": values.words or "as Pamoja brings it"},
    )
    return values.template


def _latest(name: str, language: Language) -> SmsWording | None:
    of_this = select(SmsWording).where(SmsWording.template == name, SmsWording.language == language)
    return db.session.scalar(of_this.order_by(SmsWording.version.desc()).limit(1))


def _facts(text: Template, values: Mapping[str, Fact]) -> dict[str, Fact]:
    return {fact: values.get(fact, fact) for fact in text.facts}


def _listed(facts: list[str] | frozenset[str]) -> str:
    return ", ".join(f"{{{fact}}}" for fact in sorted(facts))
