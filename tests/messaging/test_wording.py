"""The society's own words for texts: safe, complete, short, and decided by two."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.approvals import queries as approvals
from app.approvals import service as approving
from app.approvals.models import Approval
from app.approvals.states import Verdict
from app.audit.models import AuditEvent
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Invalid
from app.kernel.money import kes
from app.kernel.transactions import in_transaction
from app.messaging import texts, wording
from app.messaging.errors import TextMissing
from app.messaging.models import SmsMessage
from app.messaging.service import queue_sms
from app.messaging.texts import TEMPLATES, Language
from app.messaging.wording import Wording
from tests.harness.people import hire
from tests.members import examples as people

SignedIn = Callable[[str], FlaskClient]

PROMPT = "payment_prompt"
OURS = "Umoja asks you to pay {amount} to {account}. Enter your M-PESA PIN only if you expect this."
ADDRESS = f"/messages/texts/{PROMPT}/en"


@pytest.fixture
def books(app: Flask) -> Flask:
    people.open_books()
    return app


def say(words: str | None, *, language: Language = Language.ENGLISH) -> None:
    values = Wording(template=PROMPT, language=language, words=words)
    in_transaction(lambda: wording.put(values, key="k", on=clock.business_date(), by=people.OFFICER))


def form(**changes: str) -> dict[str, str]:
    return {"key": "key-1", "words": OURS, "reason": "Minute 4/2026", "step": "propose", **changes}


def proposals() -> list[tuple[str, str]]:
    return [(one.command, one.title) for one in db.session.scalars(select(Approval))]


def approve() -> None:
    approval_id: UUID = db.session.scalars(select(Approval.id)).one()
    manager = Actor("staff", str(hire("manager")), "web")
    seen = approvals.shown(approval_id).version
    in_transaction(lambda: approving.decide(approval_id, Verdict.APPROVE, by=manager, note=None, version=seen))


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("language", Language)
def test_the_words_that_pamoja_brings_could_be_proposed(app: Flask, name: str, language: Language) -> None:
    text = TEMPLATES[name]

    wording.check(Wording(template=name, language=language, words=text.words(language)))
    assert set(wording.OPTIONAL.get(name, ())) <= text.facts
    assert text.facts <= set(wording._EXAMPLES), "each fact has an example"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("Pay {amount} to {account} {0.__class__}", "Write facts like {amount}"),
        ("Pay {amount} to {account} {amount.__class__}", "Write facts like {amount}"),
        ("Pay {amount} to {account} {{7*7}}", "Write facts like {amount}"),
        ("Pay {amount} to {account} {amount!r}", "Write facts like {amount}"),
        ("Pay {amount} to {account} {}", "Write facts like {amount}"),
        ("Pay {amount} to {account}. Your balance: {balance}", "This text knows no {balance}"),
        ("Please pay us what you owe us", "The member must be told {account}, {amount}."),
        ("Pay {amount} as soon as you can", "The member must be told {account}."),
    ],
)
def test_words_that_lose_a_fact_or_reach_for_more_are_refused(app: Flask, words: str, sentence: str) -> None:
    with pytest.raises(Invalid) as refusal:
        wording.check(Wording(template=PROMPT, language=Language.ENGLISH, words=words))

    assert sentence in refusal.value.errors["words"]


def test_percent_signs_and_jinja_are_only_letters(app: Flask) -> None:
    said = "Pay {amount} to {account} %n %s, 100 % of it"

    wording.check(Wording(template=PROMPT, language=Language.ENGLISH, words=said))

    assert wording.preview(TEMPLATES[PROMPT], Language.ENGLISH, said).text == (
        "Pay KES 1,250.00 to SV-000123 %n %s, 100 % of it"
    )


def test_a_text_that_costs_three_messages_is_refused_and_two_are_warned_of(app: Flask) -> None:
    long = "Pay {amount} to {account}. " + "Thank you very much. " * 8
    too_long = "Pay {amount} to {account}. " + "Thank you very much. " * 15

    assert wording.effect(Wording(template=PROMPT, language=Language.ENGLISH, words=long)).warnings
    with pytest.raises(Invalid, match="attention"):
        wording.check(Wording(template=PROMPT, language=Language.ENGLISH, words=too_long))


@pytest.mark.usefixtures("provider")
def test_the_latest_wording_is_what_members_read(books: Flask) -> None:
    say("First {amount} for {account}, please")
    say(OURS)

    queued = in_transaction(
        lambda: queue_sms(
            people.details().payment_phone, PROMPT, {"amount": kes(500), "account": "SV-1", "purpose": "savings"},
            language="en", cause=("payment", "p-1"),
        )
    )  # fmt: skip

    message = db.session.get_one(SmsMessage, queued)
    assert message.text == ("Umoja asks you to pay KES 500.00 to SV-1. Enter your M-PESA PIN only if you expect this.")
    assert wording.version(PROMPT, Language.ENGLISH) == 2
    assert wording.words(PROMPT, Language.SWAHILI) == TEMPLATES[PROMPT].swahili


def test_pamojas_own_words_come_back(books: Flask) -> None:
    say(OURS)
    say(None)

    assert wording.words(PROMPT, Language.ENGLISH) == TEMPLATES[PROMPT].english
    assert wording.own() == {}
    events = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "messaging.worded")).all()
    assert {event.after["words"] for event in events if event.after} == {OURS, "as Pamoja brings it"}


def test_a_text_that_is_not_there_is_refused(app: Flask) -> None:
    with pytest.raises(TextMissing):
        wording.check(Wording(template="lottery", language=Language.ENGLISH, words=OURS))


@given(words=st.text(min_size=10, max_size=200))
def test_whatever_is_typed_is_either_refused_or_says_every_fact(words: str) -> None:
    text = TEMPLATES[PROMPT]
    if wording.why_not(text, words) is None:
        said = texts.compose(
            PROMPT, {"amount": kes(1), "account": "A1", "purpose": "x"}, language=Language.ENGLISH, words=words
        )
        assert "KES 1.00" in said and "A1" in said and "{" not in said


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_is_sent_to_sign_in(client: FlaskClient, method: str) -> None:
    answer = getattr(client, method)(ADDRESS)

    assert (answer.status_code, "/sign-in" in answer.location) == (303, True)


def test_an_auditor_reads_but_proposes_nothing(books: Flask, signed_in: SignedIn) -> None:
    auditor = signed_in("auditor")

    assert auditor.get("/messages/texts").status_code == 200
    assert auditor.get(ADDRESS).status_code == 200
    assert auditor.post(ADDRESS, data=form()).status_code == 403


def test_words_are_looked_at_then_proposed_once_and_read_when_approved(books: Flask, signed_in: SignedIn) -> None:
    officer = signed_in("officer")

    looked = officer.post(ADDRESS, data=form(step="look"))
    sent = [officer.post(ADDRESS, data=form()) for _ in range(2)]

    assert "Umoja asks you to pay KES 1,250.00 to SV-000123" in looked.get_data(as_text=True)
    assert [answer.location for answer in sent] == ["/messages/texts"] * 2
    assert proposals() == [("messaging.wording", "Text “Before a payment prompt” in English")]
    assert wording.words(PROMPT, Language.ENGLISH) == TEMPLATES[PROMPT].english
    assert "Waiting for a decision" in officer.get("/messages/texts").get_data(as_text=True)
    approve()
    assert wording.words(PROMPT, Language.ENGLISH) == OURS
    assert "Our words" in officer.get("/messages/texts").get_data(as_text=True)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"words": ""}, "This is needed."),
        ({"words": "Hello"}, "This is needed."),
        ({"words": "Pay {amount} now please"}, "The member must be told"),
        ({"words": "Pay {amount}\nto {account}"}, "Enter plain text on one line."),
        ({"step": "shout"}, "Choose one of the options."),
    ],
)
def test_bad_words_come_back_with_what_was_typed(
    books: Flask, signed_in: SignedIn, changes: dict[str, str], sentence: str
) -> None:
    answer = signed_in("officer").post(ADDRESS, data=form(**changes))

    page = re.sub(r"<[^>]+>", "", answer.get_data(as_text=True))
    assert (answer.status_code, sentence in page) == (422, True)
    assert proposals() == []


def test_going_back_to_pamojas_words_is_proposed_too(books: Flask, signed_in: SignedIn) -> None:
    say(OURS)
    officer = signed_in("officer")
    assert "Propose to use these again" in officer.get(ADDRESS).get_data(as_text=True)

    answer = officer.post(ADDRESS, data={"key": "k", "step": "reset", "reason": "Back"})
    approve()

    assert answer.status_code == 303
    assert wording.words(PROMPT, Language.ENGLISH) == TEMPLATES[PROMPT].english


def test_a_page_for_a_text_that_is_not_there_is_not_found(books: Flask, signed_in: SignedIn) -> None:
    assert signed_in("officer").get("/messages/texts/lottery/en").status_code == 404
    assert signed_in("officer").get(f"/messages/texts/{PROMPT}/fr").status_code == 404
