"""Forms and JSON of the rail: text to typed values."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, RootModel

from app.kernel.answers import Answer
from app.kernel.fields import PhoneField, PlainLine, PositiveMoney
from app.kernel.forms import Form
from app.payments.states import PaymentState

from . import configuration, fields
from .models import C2BResponse, C2BVersion, ErrandState, ValidationPolicy


def _shortcode(text: str) -> str:
    return fields.shortcode(text)


def _api_url(text: str) -> str:
    if text.rstrip("/") not in configuration.allowed_api_urls():
        raise ValueError("Choose one of the addresses; keys are sent to no other.")
    return text.rstrip("/")


def _callback_url(text: str) -> str:
    return fields.callback_url(text, plain_http=configuration.allows_plain_http()).rstrip("/")


def _secret(value: Any) -> Any:
    if isinstance(value, str) and not (value.isascii() and value.isprintable() and " " not in value.strip()):
        raise ValueError("Paste the value as M-PESA shows it: letters, digits and signs without spaces.")
    return value


Shortcode = Annotated[PlainLine, AfterValidator(_shortcode)]
Secret = Annotated[PlainLine, BeforeValidator(_secret), Field(min_length=8, max_length=1_000)]


class ConfigurationForm(Form):
    """The settings page. A secret that is left empty stays as it is."""

    version: Annotated[int, Field(ge=0)]
    shortcode: Shortcode
    till_number: Shortcode | None = None
    api_url: Annotated[PlainLine, AfterValidator(_api_url)]
    callback_url: Annotated[PlainLine, AfterValidator(_callback_url)] | None = None
    consumer_key: Secret | None = None
    consumer_secret: Secret | None = None
    passkey: Secret | None = None
    initiator: Annotated[PlainLine, Field(max_length=60)] | None = None
    security_credential: Secret | None = None
    response_type: C2BResponse
    c2b_version: C2BVersion
    validation: ValidationPolicy
    pull_phone: PhoneField | None = None


class StkPushBody(Form):
    """Ask a member, on the phone, to pay. Without ``phone`` it is the member's payment phone."""

    phone: PhoneField | None = None
    amount: PositiveMoney
    member: Annotated[PlainLine, Field(min_length=1, max_length=40, description="Member number, or the member's id")]
    purpose: Annotated[PlainLine, Field(min_length=1, max_length=40, examples=["SAVINGS_DEPOSIT"])]
    account: (
        Annotated[
            PlainLine,
            Field(min_length=1, max_length=40, description="Account number; may be left out where exactly one fits"),
        ]
        | None
    ) = None


class PaymentStanding(Answer):
    """Where a payment stands."""

    payment_id: UUID
    status: PaymentState
    checkout_request_id: str | None = Field(default=None, description="Null until M-PESA has answered.")


class PaymentAnswer(PaymentStanding):
    """Where a payment stands, and what proves or explains it."""

    receipt_number: str | None
    detail: str


class RegisterBody(Form):
    """Have the paybill's addresses registered with M-PESA."""

    response_type: Literal["Completed", "Cancelled"]


class RegistrationStanding(Answer):
    """A registration that was asked for; a job carries it out."""

    registration_id: UUID
    status: ErrandState


class AnyCallback(RootModel[Any]):
    """What M-PESA has to say, as its own documents describe it. Whatever comes is kept as it came."""


class Received(Answer):
    """That the message is kept: the answer that M-PESA expects."""

    model_config = ConfigDict(title="CallbackReceived")

    result_code: Literal[0] = Field(alias="ResultCode")
    result_description: str = Field(alias="ResultDesc")
