"""Changing how the paybill is reached: encrypted, audited, and never a mixture of two environments."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from app import audit
from app.identity.service import authorise
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Invalid

from . import auth, configuration, queries
from .configuration import Configuration
from .errors import SettingsChanged
from .models import MpesaConfiguration
from .schemas import ConfigurationForm

KEYS = ("consumer_key", "consumer_secret", "passkey")
SECRETS = (*KEYS, "security_credential")
"""Kept when the form leaves them empty, and never shown again."""

PLAIN = (
    "till_number",
    "api_url",
    "callback_url",
    "initiator",
    "response_type",
    "c2b_version",
    "validation",
    "pull_phone",
)


def change(form: ConfigurationForm, *, by: Actor) -> None:
    """Save the administrator's settings for a paybill and make it the current one.

    Refuses with SettingsChanged, and with Invalid: another paybill or address needs its own keys, because keys of one
    environment must never reach another.
    """
    authorise(by, "mpesa.configure")
    current = queries.configuration_row()
    if form.version != (current.version if current else 0):
        raise SettingsChanged
    _refuse_mixture(form, configuration.current())
    row = queries.configuration_row(form.shortcode)
    if row is None:
        row = MpesaConfiguration(shortcode=form.shortcode, is_current=False, changed_at=clock.now(), version=0)
    before = _shown(row)
    secrets = {name: value for name in SECRETS if (value := getattr(form, name)) is not None}
    for name in PLAIN:
        setattr(row, name, getattr(form, name))
    for name, value in secrets.items():
        setattr(row, name, value)
    if "security_credential" in secrets:
        row.security_credential_at = clock.now()
    _make_current(row, version=(current.version if current else 0) + 1)
    if secrets.keys() & set(KEYS) or before["api_url"] != row.api_url:
        auth.forget_all()
    was, now = audit.differences(before, _shown(row), hidden=("pull_phone",))
    audit.record(
        "mpesa.configured",
        subject=("mpesa", row.shortcode),
        by=by,
        before=was,
        after={**now, **dict.fromkeys(secrets, audit.CHANGED)},
    )


def _refuse_mixture(form: ConfigurationForm, before: Configuration | None) -> None:
    same = (
        before is not None
        and before.shortcode == form.shortcode
        and before.api_url == (form.api_url or configuration.default_api_url())
    )
    missing = [name for name in KEYS if not getattr(form, name) and not (same and getattr(before, name))]
    if missing:
        words = "This is needed." if before is None else "Another paybill or address needs its own."
        raise Invalid(dict.fromkeys(missing, words))


def _make_current(row: MpesaConfiguration, *, version: int) -> None:
    """One row is current; the index allows no second one, not even for a moment."""
    db.session.execute(
        update(MpesaConfiguration)
        .where(MpesaConfiguration.is_current, MpesaConfiguration.shortcode != row.shortcode)
        .values(is_current=False)
    )
    row.is_current, row.version, row.changed_at = True, version, clock.now()
    db.session.add(row)
    db.session.flush()  # a second administrator's row for the same paybill is refused here


def _shown(row: MpesaConfiguration) -> dict[str, Any]:
    return {name: getattr(row, name) for name in PLAIN}
