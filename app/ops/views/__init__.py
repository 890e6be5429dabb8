"""Is it alive, is it ready, how is it doing: for load balancers, for Prometheus, and for whoever minds the system."""

from __future__ import annotations

import hmac
from dataclasses import asdict
from ipaddress import ip_address

from flask import Blueprint, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from app.kernel.errors import Missing
from app.ops import health, metrics
from app.ops.views import overview
from app.web.access import public, requires
from app.web.pages import page

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via")
"""What a proxy adds: with one of these, nobody knows that the request began on this machine."""

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
    return jsonify(status=found.status, missing=found.missing, **asdict(found)), 200 if found.is_ready else 503


@bp.get("/metrics")
@public("Prometheus has no user; it is on this machine, or shows METRICS_TOKEN.")
def figures() -> ResponseReturnValue:
    """What Prometheus reads. To others there is nothing here."""
    if not (_has_token() or _is_from_this_machine()):
        raise Missing("There is nothing at this address.")
    return Response(metrics.told(), content_type=metrics.CONTENT_TYPE)


@bp.get("/ops/health")
@requires("ops.view")
def show() -> ResponseReturnValue:
    """How the system is doing, in plain words."""
    return page("ops/health.html", fragment="ops/_health.html", shown=overview.look())


def _has_token() -> bool:
    token = current_app.extensions["settings"].metrics_token
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    return token is not None and kind == "Bearer" and hmac.compare_digest(given.encode(), token.encode())


def _is_from_this_machine() -> bool:
    """Not through a proxy on this machine: that would let in everybody."""
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:  # a socket has no address
        return False
