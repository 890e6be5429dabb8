"""What is said to members by SMS, in English and Swahili, and how facts are put into it.

A text says only what the same transaction stores: it is written next to the credit, never before it. Values are put
in by a substitution that knows names and nothing else, in a single pass: ``{0.__class__}``, ``%n`` and ``{{7*7}}``
stay as they are written, in a template as in a member's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.kernel.clock import eat
from app.kernel.enums import LabelledEnum
from app.kernel.money import Money
from app.messaging import gsm

Fact = Money | date | datetime | str | int

_PLACE = re.compile(r"\{([a-z_]+)\}")

HIDDEN = "*" * 4  # in place of a code or PIN
LONGEST_VALUE = 40  # characters of one value: a hostile or mistyped one cannot fill the text
_LONGEST = {"account": 20, "number": 20, "receipt": 20}

_SWAHILI: Mapping[str, str] = {
    "savings": "akiba",
    "shares": "hisa",
    "loan": "mkopo",
    "registration fee": "ada ya usajili",
}
"""What money is for; a fact named ``purpose`` is looked up here."""


class Language(LabelledEnum):
    """In which a text is written."""

    ENGLISH = "en", "English"
    SWAHILI = "sw", "Swahili"


@dataclass(frozen=True, slots=True)
class Template:
    """One text in two languages. ``useful_for``: after this long, saying it would only confuse."""

    name: str
    title: str  # for the office
    english: str
    swahili: str
    useful_for: timedelta = timedelta(days=2)
    goes_with_money: bool = False  # a receipt, or the warning before a prompt: no daily limit of a phone holds it back
    secrets: frozenset[str] = frozenset()  # facts that nobody reads but the member: kept only until the text has left

    def words(self, language: Language) -> str:
        return self.swahili if language is Language.SWAHILI else self.english

    @property
    def facts(self) -> frozenset[str]:
        """The names that must be given."""
        return frozenset(_PLACE.findall(self.english))


_ALL = (
    Template(
        "payment_prompt",
        "Before a payment prompt",
        "You will be asked for your M-PESA PIN to pay {amount} to {purpose} {account}."
        " If you did not expect this, do not enter your PIN.",
        "Utaombwa PIN yako ya M-PESA kulipa {amount} kwa {purpose} {account}."
        " Kama hukutarajia malipo haya, usiweke PIN.",
        # The prompt itself stays on the phone for about a minute.
        useful_for=timedelta(minutes=3),
        goes_with_money=True,
    ),
    Template(
        "payment_received",
        "Payment received",
        "Received {amount} for {purpose} {account}. Receipt {receipt}, {at}. New balance {balance}. Thank you.",
        "Tumepokea {amount} kwa {purpose} {account}. Risiti {receipt}, {at}. Salio jipya {balance}. Asante.",
        goes_with_money=True,
    ),
    Template(
        "payment_in_suspense",
        "Payment to be allocated",
        "We received {amount} (receipt {receipt}, {at}) but do not know which account it is for."
        " Your money is safe. Please contact us.",
        "Tumepokea {amount} (risiti {receipt}, {at}) lakini hatujui ni ya akaunti gani."
        " Pesa yako iko salama. Wasiliana nasi.",
        goes_with_money=True,
    ),
    Template(
        "member_welcome",
        "Welcome",
        "Welcome, {name}. Your member number is {number}. Use it as the account number when you pay us by M-PESA.",
        "Karibu, {name}. Namba yako ya mwanachama ni {number}. Itumie kama namba ya akaunti unapotulipa kwa M-PESA.",
    ),
    Template(
        "phone_code",
        "Code to confirm a phone",
        "{code} is your code to confirm that this is your phone. Tell it only to the officer who serves you now."
        " It is good for 10 minutes.",
        "{code} ni namba ya kuthibitisha kwamba simu hii ni yako. Mwambie tu afisa anayekuhudumia sasa."
        " Itatumika kwa dakika 10.",
        useful_for=timedelta(minutes=10),
        secrets=frozenset({"code"}),
    ),
    Template(
        "phone_change_code",
        "Code to change the payment phone",
        "{code} is your code to make this phone ({ending}) the one you pay with. If you did not ask for this, tell it"
        " to nobody. It is good for 10 minutes.",
        "{code} ni namba ya kufanya simu hii ({ending}) iwe ya malipo yako. Kama hukuomba, usimwambie mtu."
        " Itatumika kwa dakika 10.",
        useful_for=timedelta(minutes=10),
        secrets=frozenset({"code"}),
    ),
    Template(
        "phone_changed",
        "Payment phone was changed",
        "Your payment phone with us is now the one ending in {ending}. No money leaves for it before {at}."
        " If you did not ask for this, call us at once.",
        "Simu yako ya malipo kwetu sasa ni ile inayoishia {ending}. Hakuna pesa itakayotumwa kwake kabla ya {at}."
        " Kama hukuomba, tupigie mara moja.",
    ),
    Template(
        "member_pin",
        "First PIN",
        "Your PIN for now is {pin}. Choose your own when you first use it, within 24 hours. Never tell it to anybody:"
        " we will not ask for it.",
        "PIN yako ya muda ni {pin}. Chagua yako unapoitumia mara ya kwanza, ndani ya saa 24. Usimwambie mtu yeyote:"
        " hatutakuuliza.",
        useful_for=timedelta(hours=24),
        secrets=frozenset({"pin"}),
    ),
)

TEMPLATES: Mapping[str, Template] = {template.name: template for template in _ALL}


def compose(name: str, facts: Mapping[str, Fact], *, language: Language, words: str | None = None) -> str:
    """The finished text of a template, as near to the basic phone alphabet as its values allow.

    ``words``: what the society says in place of the template's own.
    """
    template = TEMPLATES[name]
    missing = template.facts - facts.keys()
    assert not missing, f"{name} needs {', '.join(sorted(missing))}"

    values = {fact: _written(fact, value, language) for fact, value in facts.items()}
    return gsm.normalise(fill(words or template.words(language), values))


def masked(name: str, facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """The facts as the office may read them: a code or PIN is the member's alone."""
    return {fact: HIDDEN if fact in TEMPLATES[name].secrets else value for fact, value in facts.items()}


def fill(words: str, values: Mapping[str, str]) -> str:
    """Put values where ``{their_name}`` stands. What is not the name of a value is left alone, in values too."""
    return _PLACE.sub(lambda place: values.get(place[1], place[0]), words)


def _written(fact: str, value: Fact, language: Language) -> str:
    """A value as a member reads it: ``KES 1,250.00``, ``22/11/2026``, ``22/11/2026 10:41``."""
    if isinstance(value, datetime):
        return eat(value).strftime("%d/%m/%Y %H:%M")
    if isinstance(value, date):
        return value.strftime("%d/%m/%Y")
    text = gsm.one_line(str(value))
    if fact == "purpose" and language is Language.SWAHILI:
        text = _SWAHILI.get(text, text)
    return text[: _LONGEST.get(fact, LONGEST_VALUE)].rstrip()
