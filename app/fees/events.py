"""What the society may charge for, who bears a fee, and which excise duty applies: the words of the room."""

from __future__ import annotations

from app.kernel.enums import LabelledEnum


class Event(LabelledEnum):
    """Something that a fee may be charged for, by the room in which it happens.

    What is not here cannot be charged: a new kind of fee is a decision about code as well, because some room must know
    the moment at which it falls due.
    """

    REGISTRATION = "registration", "Registration"
    WITHDRAWAL = "withdrawal", "Withdrawal"
    TRANSFER = "transfer", "Transfer"
    SMS = "sms", "Text message"
    STATEMENT = "statement", "Statement"
    CHEQUE = "cheque", "Cheque"
    STANDING_ORDER = "standing_order", "Standing order"
    SALARY = "salary", "Salary processing"
    ACCOUNT_CLOSING = "account_closing", "Account closing"
    SHARE_TRANSFER = "share_transfer", "Share transfer"
    EXIT = "exit", "Leaving the society"
    LOAN_PROCESSING = "loan_processing", "Loan processing"
    DIVIDEND_PAYOUT = "dividend_payout", "Dividend payout"

    @property
    def income_account(self) -> str:
        """Where its income usually stands in the chart (sacco-kenya.md 3.2)."""
        return _INCOME[self]

    @property
    def has_amount(self) -> bool:
        """Whether money moves with it, of which a percentage or a band can speak."""
        return self in {
            Event.WITHDRAWAL,
            Event.TRANSFER,
            Event.STANDING_ORDER,
            Event.SALARY,
            Event.SHARE_TRANSFER,
            Event.EXIT,
            Event.LOAN_PROCESSING,
            Event.DIVIDEND_PAYOUT,
        }

    @property
    def noun(self) -> str:
        """Inside a sentence: "a withdrawal of KES 5,000.00 costs …"."""
        article = "an" if self.label[0] in "AEIOU" else "a"
        return self.label.lower() if self in _WITHOUT_ARTICLE else f"{article} {self.label.lower()}"


_WITHOUT_ARTICLE = {Event.REGISTRATION, Event.EXIT, Event.SALARY, Event.ACCOUNT_CLOSING, Event.LOAN_PROCESSING}

_INCOME = {
    Event.REGISTRATION: "4340",
    Event.WITHDRAWAL: "4320",
    Event.TRANSFER: "4320",
    Event.SMS: "4330",
    Event.STATEMENT: "4330",
    Event.CHEQUE: "4330",
    Event.STANDING_ORDER: "4330",
    Event.SALARY: "4310",
    Event.ACCOUNT_CLOSING: "4330",
    Event.SHARE_TRANSFER: "4340",
    Event.EXIT: "4340",
    Event.LOAN_PROCESSING: "4110",
    Event.DIVIDEND_PAYOUT: "4330",
}


class Basis(LabelledEnum):
    """How the amount of a fee is found."""

    FLAT = "flat", "The same each time"
    PERCENT = "percent", "A percentage of the amount"
    BANDS = "bands", "By bands of the amount"


class Bearer(LabelledEnum):
    """Who bears a fee."""

    MEMBER = "member", "The member, on top"
    INCLUDED = "included", "The member, out of the amount"
    SOCIETY = "society", "The society"


class ExciseKind(LabelledEnum):
    """Which excise duty a fee is subject to.

    Sources (sacco-kenya.md 1.12): SACCO societies are financial institutions to the Excise Duty Act, "other fees" bear
    20 % and money transfer 15 % (Finance Act 2023); interest bears none. Excise is added to the fee unless the board
    sets a price that contains it. Whether it applies to entrance fees is unconfirmed there: the society takes its tax
    adviser's opinion and says so with each tariff, which is why it is a choice and no rule of ours.
    """

    NONE = "none", "None"
    OTHER_FEES = "other_fees", "Fees of financial institutions"
    MONEY_TRANSFER = "money_transfer", "Money transfer"
