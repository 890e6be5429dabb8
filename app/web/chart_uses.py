"""What of the rooms above the ledger keeps an account of the chart in use: it cannot be retired under them."""

from __future__ import annotations

from app.fees import queries as fees
from app.fees.registration import RECEIVABLE
from app.fees.service import EXCISE_PAYABLE
from app.kernel import clock
from app.ledger import chart
from app.payments.rails.mpesa.arrivals import CLEARING_ACCOUNT
from app.payments.receipts import SUSPENSE_ACCOUNT
from app.savings import queries as savings

BUILT_IN = {
    SUSPENSE_ACCOUNT: "Money that is not yet allocated waits there.",
    CLEARING_ACCOUNT: "The paybill's money stands there.",
    EXCISE_PAYABLE: "Excise duty on fees is owed there.",
    RECEIVABLE: "What members owe in fees stands there.",
    "1990": "Branches are balanced against each other there.",
}


def install() -> None:
    """Tell the chart whom to ask."""
    for ask in (BUILT_IN.get, _by_a_product, _by_a_fee):
        chart.register(ask)


def _by_a_product(code: str) -> str | None:
    names = [
        one.product.name for one in savings.products(on=clock.business_date()) if one.product.control_account == code
    ]
    return f"{', '.join(names)} stands on it." if names else None


def _by_a_fee(code: str) -> str | None:
    on = clock.business_date()
    for tariff in (*fees.all_holding(on=on).values(), *fees.to_come(on=on)):
        if code in (tariff.income_account, tariff.expense_account):
            return f"The {tariff.event.label.lower()} fee is booked to it."
    return None
