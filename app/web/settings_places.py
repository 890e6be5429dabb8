"""What the settings home lists: each room's page, a line about it, and how it stands; and who keeps a branch open."""

from __future__ import annotations

from app.fees import queries as fees
from app.identity import queries as identity
from app.kernel import clock
from app.ledger import chart
from app.ledger import queries as ledger
from app.members import queries as members
from app.messaging import wording
from app.payments.rails.mpesa import configuration as mpesa
from app.payments.rails.mpesa import queries as mpesa_queries
from app.payments.rails.mpesa.models import ErrandKind, ErrandState
from app.society import queries as society
from app.web import chart_uses, formats
from app.web.settings import register


def install() -> None:
    """Register them, in the order in which they stand on the page."""
    society.register(identity.at_branch)
    society.register(members.at_branch)
    chart_uses.install()
    _society()
    _books()
    _money()
    _people_and_programs()


def _society() -> None:
    see, section = "settings.view", "Society"
    register(
        section, "Society details", "society.details", see, "Name, number and address, as papers name it",
        state=lambda: society.details().name,
    )  # fmt: skip
    register(
        section, "Branches", "society.branches", see, "Where the society is",
        state=lambda: f"{len(ledger.branches())} open",
    )  # fmt: skip
    register(
        section, "Business calendar", "society.calendar_page", see, "Public holidays, and days that differ from them"
    )


def _books() -> None:
    see, section = "ledger.view", "Books"
    register(section, "Chart of accounts", "ledger.chart_page", see, "The accounts of the ledger, with balances")
    register(section, "Trial balance", "ledger.trial_balance", see, "What stands on each account, on any day")
    register(section, "Months", "ledger.months", see, "Which months of the books are closed", state=_months)


def _money() -> None:
    section = "Money"
    register(section, "Fees", "fees.index", "fees.view", "What members are charged, and excise duty", state=_fees)
    register(section, "Savings products", "savings.products", "savings.view", "What may be saved in, and on what terms")
    register(
        section, "M-PESA", "mpesa.show", "mpesa.configure", "The paybill: keys, addresses, limits, tests", state=_mpesa
    )
    register(
        "Members", "Texts", "messaging.texts", "messaging.view", "What members read by SMS, in English and Swahili",
        state=_texts,
    )  # fmt: skip


def _people_and_programs() -> None:
    register("People", "Users", "identity.users", "identity.manage_users", "Who works here, and in which roles")
    register("People", "Roles", "identity.roles", "identity.manage_roles", "What each role may do, and how far")
    section = "Programs"
    register(section, "API tokens", "api_tokens.show", "identity.manage_tokens", "Which programs may act for whom")
    register(section, "Webhooks", "webhooks.index", "webhooks.view", "Which programs are told what happens, at once")
    register(section, "System health", "ops.show", "ops.view", "Whether everything runs")


def _months() -> str:
    still_open = sum(month.is_open for month in chart.months())
    return f"{still_open} open"


def _fees() -> str:
    if not ledger.books_are_open():
        return ""
    return f"{len(fees.all_holding(on=clock.business_date()))} set"


def _texts() -> str:
    own = len(wording.own())
    return f"{own} in our own words" if own else "as Pamoja brings them"


def _mpesa() -> str:
    """The paybill in force, and when the connection was last tested."""
    paybill = mpesa.current()
    if paybill is None:
        return "not set up"
    name = f"{paybill.shortcode}{', simulated' if paybill.is_simulated else ''}"
    test = mpesa_queries.latest_errands(paybill.shortcode).get(ErrandKind.CONNECTION_TEST)
    if test is None or test.state is ErrandState.WAITING:
        return f"{name}, not tested"
    return f"{name}, {'tested' if test.state is ErrandState.DONE else 'test failed'} {formats.day(test.asked_at)}"
