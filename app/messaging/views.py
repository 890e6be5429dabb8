"""Pages about texts, and the address at which the provider reports what became of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request, url_for
from pydantic import ValidationError

from app import audit
from app.approvals import queries as approvals
from app.approvals import service as asking
from app.approvals.states import ApprovalState
from app.kernel.errors import Invalid, Missing
from app.kernel.forms import Filled
from app.kernel.idempotency import once
from app.kernel.transactions import in_transaction
from app.members import queries as members
from app.messaging import queries, service, wording
from app.messaging.provider import sms_provider
from app.messaging.schemas import DeliveryReport, MessageFilter, WordingForm
from app.messaging.states import SmsState
from app.messaging.texts import TEMPLATES, Language
from app.messaging.wording import Wording
from app.web import reach
from app.web.access import actor, public, requires
from app.web.formats import day
from app.web.pages import done, page, toast

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


@bp.get("/texts")
@requires("messaging.view")
def texts() -> Response:
    """Every text that members may get, and whether the society words it itself."""
    return page(
        "messaging/texts.html",
        templates=TEMPLATES.values(),
        languages=Language,
        own=wording.own(),
        waiting=approvals.waiting_about(wording.SUBJECT),
    )


@bp.get("/texts/<text_name>/<any(en, sw):language>")
@requires("messaging.view")
def text(text_name: str, language: str) -> Response:
    """One text in one language, as members read it now."""
    return _text_page(text_name, Language(language), Filled())


@bp.post("/texts/<text_name>/<any(en, sw):language>")
@requires("messaging.word")
def word_text(text_name: str, language: str) -> Response:
    """Look at new words with example facts, or propose them; or propose to take Pamoja's own words again."""
    form, spoken = WordingForm.parse(request.form), Language(language)
    if not form.errors and form.values.step != "reset" and form.values.words is None:
        form.errors["words"] = "This is needed."
    if form.errors:
        return _text_page(text_name, spoken, form, status=422)
    try:
        wanted = Wording(template=text_name, language=spoken, words=form.values.wanted)
        wording.check(wanted)
        if form.values.step == "look":
            return _text_page(text_name, spoken, form)
        _propose(wanted, form)
    except Invalid as refusal:
        form.refuse(refusal)
        return _text_page(text_name, spoken, form, status=refusal.status)
    return done(url_for(".texts"))


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


def _propose(wanted: Wording, form: Filled[WordingForm]) -> None:
    """Ask for a decision: what is said to every member is looked at by two. Refuses with Invalid."""
    by = actor()
    asked = in_transaction(
        lambda: once(
            "messaging.word", form.key or "", wanted.model_dump(mode="json"), by=by,
            work=lambda: str(asking.ask("messaging.wording", wanted, by=by, reason=form.values.reason or "Wording")),
        )
    )  # fmt: skip
    waits = approvals.get(UUID(asked.value)).state is ApprovalState.WAITING
    toast(
        "Proposed. Members read it once a second person has approved it." if waits else "Members read it from now on."
    )


def _text_page(text_name: str, language: Language, form: Filled[Any], *, status: int = 200) -> Response:
    shown = wording.template(text_name)
    now = wording.words(text_name, language)
    typed = form.typed.get("words", "") or now
    return page(
        "messaging/text.html",
        status=status,
        form=form,
        text=shown,
        language=language,
        now=now,
        default=shown.words(language),
        needed=wording.needed(shown),
        facts=sorted(shown.facts),
        preview=wording.preview(shown, language, typed) if "words" not in form.errors else None,
    )


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
