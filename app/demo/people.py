"""Invented members: the same ones for the same seed, with numbers that never repeat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from app.demo.names import EMPLOYERS, FEMALE, MALE, PEOPLES
from app.kernel.phones import Phone
from app.members.models import Gender, Language, Relationship
from app.members.states import MemberStatus

MOST_MEMBERS = 1_000_000  # beyond it the numbers below would repeat
FIRST_TRY_PHONE = Phone("254712345678")  # has a wallet in the sandbox and is the first thing anybody tries

# Ranges of mobile numbers in Kenya; 0712 is left to the member above.
_RANGES = (
    "700", "701", "702", "703", "705", "706", "707", "708", "710", "711", "713", "714", "715", "716", "717", "718",
    "720", "721", "722", "723", "724", "725", "726", "727", "728", "729", "740", "741", "742", "743", "745", "746",
    "748", "790", "791", "792", "110", "111", "733", "738",
)  # fmt: skip

_STATUSES = (
    *[MemberStatus.ACTIVE] * 181, *[MemberStatus.DORMANT] * 12, *[MemberStatus.SUSPENDED] * 3,
    *[MemberStatus.EXIT_NOTICE] * 3, MemberStatus.DECEASED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kin:
    """A next of kin of an invented member."""

    name: str
    relationship: Relationship
    share_percent: Decimal | None


@dataclass(frozen=True, slots=True)
class Person:
    """An invented member."""

    first_name: str
    middle_name: str | None
    last_name: str
    gender: Gender
    born_on: date
    national_id: str
    kra_pin: str | None
    phone: Phone
    language: Language
    branch: int  # 0 is Nairobi, 1 is Nakuru
    employer: str | None
    joined_on: date
    status: MemberStatus
    kin: tuple[Kin, ...]


def people(count: int, *, seed: int, today: date) -> Iterator[Person]:
    """``count`` invented members, the first of them for the first try."""
    assert 0 < count <= MOST_MEMBERS, f"between 1 and {MOST_MEMBERS} members can be told apart"
    chance = Random(seed)  # noqa: S311 - invented people, no secret
    yield _first(today)
    for n in range(1, count):
        yield _person(n, chance, today)


def _first(today: date) -> Person:
    return Person(
        first_name="Mary",
        middle_name="Wanjiku",
        last_name="Kamau",
        gender=Gender.FEMALE,
        born_on=date(1988, 3, 14),
        national_id="25871934",
        kra_pin="A004512367K",
        phone=FIRST_TRY_PHONE,
        language=Language.ENGLISH,
        branch=1,
        employer="Teachers Service Commission",
        joined_on=date(2019, 3, 4),
        status=MemberStatus.ACTIVE,
        kin=(
            Kin("Peter Njoroge Kamau", Relationship.SPOUSE, Decimal(60)),
            Kin("Faith Wambui Njoroge", Relationship.CHILD, Decimal(40)),
        ),
    )


def _person(n: int, chance: Random, today: date) -> Person:
    is_female = chance.random() < 0.54
    daughters, sons, families = chance.choice(PEOPLES)
    last_name = chance.choice(families)
    return Person(
        first_name=chance.choice(FEMALE if is_female else MALE),
        middle_name=chance.choice(daughters if is_female else sons) if chance.random() < 0.85 else None,
        last_name=last_name,
        gender=Gender.FEMALE if is_female else Gender.MALE,
        born_on=today - timedelta(days=chance.randrange(19 * 366, 68 * 365)),
        national_id=_national_id(n),
        kra_pin=_kra_pin(n) if chance.random() < 0.8 else None,
        phone=_phone(n),
        language=Language.SWAHILI if chance.random() < 0.35 else Language.ENGLISH,
        branch=int(chance.random() < 0.55),
        employer=chance.choice(EMPLOYERS) if chance.random() < 0.9 else None,
        joined_on=today - timedelta(days=chance.randrange(200, 3_600)),
        status=chance.choice(_STATUSES),
        kin=_kin(chance, last_name, married=chance.random() < 0.6),
    )


def _kin(chance: Random, last_name: str, *, married: bool) -> tuple[Kin, ...]:
    if married:
        spouse = Kin(f"{chance.choice(FEMALE + MALE)} {last_name}", Relationship.SPOUSE, Decimal(50))
        child = Kin(f"{chance.choice(FEMALE + MALE)} {last_name}", Relationship.CHILD, Decimal(50))
        return (spouse, child)
    share = Decimal(100) if chance.random() < 0.7 else None
    return (Kin(f"{chance.choice(FEMALE)} {last_name}", Relationship.PARENT, share),)


# Multiplying by a number without common factor walks through a whole range without meeting a place twice.


def _phone(n: int) -> Phone:
    return Phone(f"254{_RANGES[n % len(_RANGES)]}{n * 748_213 % 1_000_000:06}")


def _national_id(n: int) -> str:
    return str(26_000_000 + n * 7_919_333 % 14_000_000)


def _kra_pin(n: int) -> str:
    return f"A{10_000_000 + n * 6_700_417 % 989_000_000:09}{'ABCDEFGHJKLMNPQRSTUVWXYZ'[n % 24]}"
