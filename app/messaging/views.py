"""Pages about texts, and the address at which the provider reports what became of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request, url_for
from pydantic import ValidationError

from app import audit
from app.kernel.errors import Invalid, Missing
from app.kernel.transactions import in_transaction
from app.members import queries as members
from app.messaging import queries, service
from app.messaging.provider import sms_provider
from app.messaging.schemas import DeliveryReport, MessageFilter
from app.messaging.states import SmsState
from app.messaging.texts import TEMPLATES
from app.web import reach
from app.web.access import public, requires
from app.web.formats import day
from app.web.pages import page

bp = Blueprint("messaging", __name__, url_prefix="/messages")
hooks = Blueprint("messaging_hooks", __name__, url_prefix="/hooks/s")

LARGEST_REPORT = 8 * 1024  # bytes; a real one is under 300


@bp.get("")
@requires("messaging.view")
def index() -> Response:
    """Every text that was written to a member, newest first; the filters stand in the address."""
    form = MessageFilter.parse(request.args)
    if form.errors:
        raise Invalid(form.errors)
    wanted, within = form.values, reach.of("messaging.view")
    return page(
        "messaging/index.html",
        wanted=wanted,
        found=queries.listed(wanted, of_members=members.ids(within)),
        states=SmsState.choices(),
        templates=[(template.name, template.title) for template in TEMPLATES.values()],
        title_of=_title,
        chips=_chips(wanted),
        address=_address,
        is_on=sms_provider() is not None,
        hold=queries.hold(),
    )


@bp.get("/<uuid:message_id>")
@requires("messaging.view")
def show(message_id: UUID) -> Response:
    """One text: what it says, to whom, why, and what became of it."""
    message = queries.get(message_id)
    return page("messaging/show.html", message=message, title=_title(message.template))


@hooks.post("/<secret>/delivery")
@public("The SMS provider cannot sign in; the secret in the address is what it knows.")
def delivery(secret: str) -> tuple[str, int]:
    """Take in what became of a text. Answered 200 whatever it says: there is nothing that a repeat would mend."""
    request.max_content_length = LARGEST_REPORT
    if not service.is_delivery_secret(secret):
        audit.notice("sms_report_with_wrong_secret", source=request.remote_addr)
        raise Missing("There is nothing at this address.")
    try:
        report = DeliveryReport.model_validate(request.form.to_dict())
    except ValidationError as error:
        audit.notice("sms_report_unreadable", source=request.remote_addr, fields=[e["loc"] for e in error.errors()])
        return "", 200
    in_transaction(lambda: service.record_report(report))
    return "", 200


def _title(template: str) -> str:
    """What a text is about, for the office; a template that is no longer in use has only its name."""
    return TEMPLATES[template].title if template in TEMPLATES else template


def _address(wanted: MessageFilter, **changes: Any) -> str:
    """The list with other filters, from its first page."""
    values = wanted.model_dump(mode="json", exclude_none=True) | {"after": None} | changes
    return url_for(".index", **{name: value for name, value in values.items() if value is not None})


def _chips(wanted: MessageFilter) -> list[tuple[str, str]]:
    """The filters that are on, each with the address of the list without it."""
    words = {
        "state": wanted.state.label if wanted.state else None,
        "template": _title(wanted.template) if wanted.template else None,
        "since": f"From {day(wanted.since)}" if wanted.since else None,
        "until": f"Until {day(wanted.until)}" if wanted.until else None,
    }
    return [(text, _address(wanted, **{name: None})) for name, text in words.items() if text is not None]
