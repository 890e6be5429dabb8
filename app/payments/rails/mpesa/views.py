"""The settings page of the paybill: its values, a test of the connection, and what M-PESA has been told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from app.kernel.errors import Conflict, Invalid
from app.kernel.forms import Filled
from app.kernel.idempotency import once
from app.kernel.transactions import in_transaction
from app.web.access import actor, requires
from app.web.pages import done, page, toast

from . import configuration, errands, pulling, queries, settings
from .models import C2BResponse, C2BVersion, ErrandKind, MpesaConfiguration, ValidationPolicy
from .schemas import ConfigurationForm

bp = Blueprint("mpesa", __name__, url_prefix="/settings/mpesa")

FIRST_PAUSE_SECONDS = 2
MOST_ROUNDS = 30  # about five minutes: every errand is closed by then unless no worker runs

CREDENTIAL_LIFE = timedelta(days=90)  # of an operator's password: mpesa.md 12

SECRET_LABELS = {
    "consumer_key": "Consumer key",
    "consumer_secret": "Consumer secret",
    "passkey": "Passkey",
    "security_credential": "Security credential",
}


@bp.get("")
@requires("mpesa.configure")
def show() -> ResponseReturnValue:
    """How the paybill is reached. Secrets are never shown again."""
    return _page(None)


@bp.post("")
@requires("mpesa.configure", fresh=True)
def save() -> ResponseReturnValue:
    """Save the settings."""
    form = ConfigurationForm.parse(request.form)
    if form.errors:
        return _page(form)
    try:
        in_transaction(lambda: settings.change(form.values, by=actor()))
    except Invalid as refusal:
        form.refuse(refusal)
        return _page(form)
    except Conflict as refusal:
        form.errors["form"] = refusal.message
        return _page(form, status=refusal.status)
    toast("M-PESA settings saved. Test the connection next.")
    return done(url_for(".show"))


@bp.post("/ask/<any(connection_test, c2b_register, pull_register):kind>")
@requires("mpesa.configure")
def ask(kind: str) -> ResponseReturnValue:
    """Have a job ask M-PESA; the page shows what came of it."""
    in_transaction(
        lambda: once(
            "mpesa.ask",
            request.form.get("key", ""),
            {"kind": kind},
            by=actor(),
            work=lambda: str(errands.ask(ErrandKind(kind), by=actor())),
        )
    )
    return done(url_for(".show"), fragment="mpesa/_errands.html", **_errands())


@bp.get("/errands")
@requires("mpesa.configure")
def errands_so_far() -> ResponseReturnValue:
    """What M-PESA was asked last, and what came of it: asks again, ever more slowly, only while something waits."""
    return page("mpesa/_errands.html", **_errands(round_=request.args.get("round", 0, type=int)))


def _page(form: Filled[ConfigurationForm] | None, *, status: int | None = None) -> ResponseReturnValue:
    current, row = configuration.current(), queries.configuration_row()
    return page(
        "mpesa/show.html",
        status=status or (422 if form else 200),
        form=form,
        current=current,
        row=row,
        secrets=[(name, label, _stored(name)) for name, label in SECRET_LABELS.items()],
        api_urls=[(url, url) for url in configuration.allowed_api_urls()],
        response_types=C2BResponse.choices(),
        c2b_versions=C2BVersion.choices(),
        validations=ValidationPolicy.choices(),
        limits=configuration.limits(),
        credential_ends_at=_credential_ends_at(row),
        **_errands(),
    )


def _credential_ends_at(row: MpesaConfiguration | None) -> datetime | None:
    """When M-PESA ends the operator's password behind the security credential."""
    if row is None or row.security_credential_at is None:
        return None
    return row.security_credential_at + CREDENTIAL_LIFE


def _stored(name: str) -> str | None:
    """Where a secret is kept now, in words; None where there is none."""
    current, row = configuration.current(), queries.configuration_row()
    if current is None or not getattr(current, name):
        return None
    return "Stored, encrypted" if row is not None and getattr(row, name) else "From the server's environment"


def _errands(*, round_: int = 0) -> dict[str, Any]:
    current = configuration.current()
    found = queries.latest_errands(current.shortcode) if current else {}
    return {
        "is_ready": current is not None and current.is_complete,
        "kinds": list(ErrandKind),
        "errands": found,
        "pause_seconds": _pause(round_) if any(not errand.state.is_closed for errand in found.values()) else None,
        "next_round": round_ + 1,
        "pulled_until": pulling.complete_until(current.shortcode) if current else None,
    }


def _pause(round_: int) -> int | None:
    """How long the page waits before it asks again; after a while it stops."""
    return FIRST_PAUSE_SECONDS + max(0, round_) // 2 if round_ < MOST_ROUNDS else None
