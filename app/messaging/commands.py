"""Commands of the room: ``flask messaging ...``."""

from __future__ import annotations

import click
from flask import current_app, url_for
from flask.cli import AppGroup

from app.messaging import service

cli = AppGroup("messaging", help="Texts to members.")


@cli.command("address")
def address() -> None:
    """Print the address for delivery reports, to be entered at the SMS provider. It is a secret."""
    base_url: str = current_app.extensions["settings"].base_url
    with current_app.test_request_context():
        path = url_for("messaging_hooks.delivery", secret=service.delivery_secret())
    click.echo(base_url.rstrip("/") + path)
