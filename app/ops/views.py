"""Is it alive, is it ready: for load balancers and whoever minds the system."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from app.ops import health
from app.web.access import public

bp = Blueprint("ops", __name__)


@bp.get("/healthz")
@public("A watchdog has no user; it learns only that the process answers.")
def alive() -> ResponseReturnValue:
    """The process answers; nothing else is asked."""
    return jsonify(status="alive")


@bp.get("/readyz")
@public("A load balancer has no user; it learns only what is up and what is not.")
def ready() -> ResponseReturnValue:
    """200 while pages can be served, 503 when not; what else is missing delays work and is named."""
    found = health.look()
    return jsonify(status=found.status, **asdict(found)), 200 if found.is_ready else 503
