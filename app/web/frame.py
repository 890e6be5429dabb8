"""Puts the frame of every page together: assets, headers, formats, navigation, standing."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app.web import assets, compression, formats, headers, nav, pages, standing
from config import Settings

STATIC = Path(__file__).parents[2] / "static"


def install(app: Flask, settings: Settings) -> None:
    """Give the application its look and its manners.

    What runs last on an answer is registered first: toasts are added before the answer is compressed.
    """
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    headers.install(app, settings)
    compression.install(app)
    pages.install(app)
    assets.install(app, STATIC)
    formats.install(app)
    app.jinja_env.globals.update(
        new_key=lambda: str(uuid4()),
        places=nav.places,
        narrow_places=nav.narrow_places,
        place_here=nav.here,
        standing_of_page=standing.of_this_page,
        relaxations=settings.relaxations,
    )
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
