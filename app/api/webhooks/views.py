"""Pages on which administrators add receivers and see what each was told."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from app.api.webhooks import events, queries, service
from app.api.webhooks.errors import StaleSubscription
from app.api.webhooks.models import WebhookDelivery, WebhookSubscription
from app.api.webhooks.schemas import DeliveryFilter, NewSubscription, SubscriptionEdit
from app.api.webhooks.states import DeliveryState
from app.kernel.errors import Invalid
from app.kernel.forms import Filled
from app.kernel.transactions import in_transaction
from app.web.access import actor, requires
from app.web.pages import done, page, toast

bp = Blueprint("webhooks", __name__, url_prefix="/webhooks")

FIRST_TRY_SECONDS = 2


@bp.get("")
@requires("webhooks.view")
def index() -> ResponseReturnValue:
    """Every receiver, and whether it hears us."""
    found = queries.subscriptions()
    return page(
        "webhooks/index.html",
        found=found,
        counts=queries.counts([row.id for row in found]),
        states=DeliveryState,
    )


@bp.get("/new")
@requires("webhooks.manage")
def new() -> ResponseReturnValue:
    """The form for a new receiver."""
    return _form("webhooks/new.html", None)


@bp.post("")
@requires("webhooks.manage")
def add() -> ResponseReturnValue:
    """Add a receiver and show its signing secret, this once."""
    form = NewSubscription.parse(request.form)
    if form.errors:
        return _form("webhooks/new.html", form, status=422)
    values, by = form.values, actor()
    subscription_id, secret = in_transaction(lambda: service.subscribe(values, by=by))
    return _secret_page(queries.subscription(subscription_id), secret, status=201)


@bp.get("/<uuid:subscription_id>")
@requires("webhooks.view")
def show(subscription_id: UUID) -> ResponseReturnValue:
    """One receiver and the log of what it was sent."""
    form = DeliveryFilter.parse(request.args)
    if form.errors:
        raise Invalid(form.errors)
    wanted = form.values
    return page(
        "webhooks/show.html",
        row=queries.subscription(subscription_id),
        found=queries.deliveries(subscription_id, state=wanted.state, after=wanted.after),
        wanted=wanted,
        states=DeliveryState.choices(),
        labels=_labels(),
        failed=queries.counts([subscription_id]).get((subscription_id, DeliveryState.GIVEN_UP), 0),
    )


@bp.get("/<uuid:subscription_id>/edit")
@requires("webhooks.manage")
def edit(subscription_id: UUID) -> ResponseReturnValue:
    """The form with what stands."""
    return _form("webhooks/edit.html", None, row=queries.subscription(subscription_id))


@bp.post("/<uuid:subscription_id>/edit")
@requires("webhooks.manage")
def update(subscription_id: UUID) -> ResponseReturnValue:
    """Save what was changed."""
    form = SubscriptionEdit.parse(request.form)
    if form.errors:
        return _form("webhooks/edit.html", form, row=queries.subscription(subscription_id), status=422)
    values, by = form.values, actor()
    try:
        in_transaction(lambda: service.edit(subscription_id, values, by=by))
    except StaleSubscription as stale:
        return _form("webhooks/edit.html", None, row=queries.subscription(subscription_id), stale=stale, status=409)
    toast("Saved.")
    return done(url_for(".show", subscription_id=subscription_id))


@bp.post("/<uuid:subscription_id>/<any(pause, resume, end):step>")
@requires("webhooks.manage")
def move(subscription_id: UUID, step: str) -> ResponseReturnValue:
    """Pause a receiver, resume it, or remove it."""
    by = actor()
    use_case, words = _STEPS[step]
    in_transaction(lambda: use_case(subscription_id, by=by))
    toast(words)
    return done(url_for(".index") if step == "end" else url_for(".show", subscription_id=subscription_id))


@bp.post("/<uuid:subscription_id>/secret")
@requires("webhooks.manage")
def exchange_secret(subscription_id: UUID) -> ResponseReturnValue:
    """Make a new signing secret and show it, this once."""
    by = actor()
    secret = in_transaction(lambda: service.exchange_secret(subscription_id, by=by))
    return _secret_page(queries.subscription(subscription_id), secret, status=200)


@bp.post("/<uuid:subscription_id>/test")
@requires("webhooks.manage")
def test(subscription_id: UUID) -> ResponseReturnValue:
    """Send a message that means nothing, to see whether it arrives."""
    by = actor()
    delivery_id = in_transaction(lambda: service.send_test(subscription_id, by=by))
    return done(url_for(".delivery", delivery_id=delivery_id))


@bp.post("/<uuid:subscription_id>/again")
@requires("webhooks.manage")
def send_failed_again(subscription_id: UUID) -> ResponseReturnValue:
    """Send again whatever was given up."""
    by = actor()
    count = in_transaction(lambda: service.send_failed_again(subscription_id, by=by))
    toast(f"{count} messages are sent again." if count != 1 else "1 message is sent again.")
    return done(url_for(".show", subscription_id=subscription_id))


@bp.get("/messages/<uuid:delivery_id>")
@requires("webhooks.view")
def delivery(delivery_id: UUID) -> ResponseReturnValue:
    """One message: what it says, and every try to hand it over."""
    found = queries.delivery(delivery_id)
    return page(
        "webhooks/delivery.html",
        fragment="webhooks/_tries.html",
        delivery=found,
        body=events.message(found.announcement).decode(),
        labels=_labels(),
        pause_seconds=_pause(found) if found.state is DeliveryState.WAITING else None,
    )


@bp.post("/messages/<uuid:delivery_id>/again")
@requires("webhooks.manage")
def send_again(delivery_id: UUID) -> ResponseReturnValue:
    """Send one message again."""
    by = actor()
    in_transaction(lambda: service.send_again(delivery_id, by=by))
    toast("It is sent again.")
    return done(url_for(".delivery", delivery_id=delivery_id))


_STEPS = {
    "pause": (service.pause, "The webhook is paused. What happens meanwhile is not sent to it."),
    "resume": (service.resume, "The webhook is active again."),
    "end": (service.end, "The webhook is removed."),
}


def _pause(found: WebhookDelivery) -> int | None:
    """The first try comes at once, so the page waits for it; later ones are hours away."""
    return FIRST_TRY_SECONDS if found.tries == 0 else None


def _form(
    template: str,
    form: Filled[NewSubscription] | Filled[SubscriptionEdit] | None,
    *,
    row: WebhookSubscription | None = None,
    stale: StaleSubscription | None = None,
    status: int = 200,
) -> Response:
    chosen = set(request.form.getlist("events")) if form else set(row.events if row else events.EVENTS)
    return page(template, status=status, form=form, row=row, stale=stale, events=events.EVENTS.values(), chosen=chosen)


def _secret_page(row: WebhookSubscription, secret: str, *, status: int) -> Response:
    return page("webhooks/secret.html", status=status, row=row, secret=secret)


def _labels() -> dict[str, str]:
    return {event.name: event.label for event in events.EVENTS.values()} | {events.TEST_EVENT: "Test message"}
