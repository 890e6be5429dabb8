"""The addresses that providers call: ``/hooks/m/<secret>/<flow>``. Store, answer, ring; nothing else happens here."""

from __future__ import annotations

import logging

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from app.kernel.errors import Missing
from app.kernel.transactions import in_transaction
from app.payments import inbox
from app.web.access import public

bp = Blueprint("hooks", __name__, url_prefix="/hooks")
security = logging.getLogger("security")


@bp.post("/m/<secret>/<flow>")
@public("Providers cannot sign in; the secret in the address is what they know.")
def receive(secret: str, flow: str) -> ResponseReturnValue:
    """Keep what a provider says and tell it that we have it."""
    address = inbox.address(secret, flow)
    if address is None:
        security.warning("a callback came to a wrong secret", extra={"flow": flow[:20], "source": request.remote_addr})
        raise Missing("There is nothing at this address.")
    rail, subject_id = address.rail, address.subject_id
    body = body_text()
    in_transaction(
        lambda: inbox.store(
            rail=rail, flow=flow, subject_id=subject_id, body=body, source_address=request.remote_addr or ""
        )
    )
    return jsonify(inbox.reply(rail, flow, subject_id, body))


def body_text() -> str:
    """The body of this request, whatever it claims to be; refused when it is longer than any callback."""
    if (request.content_length or 0) > inbox.LARGEST_BODY:
        raise RequestEntityTooLarge
    body = request.stream.read(inbox.LARGEST_BODY + 1)
    if len(body) > inbox.LARGEST_BODY:
        raise RequestEntityTooLarge
    return body.decode("utf-8", errors="replace").replace("\0", "\ufffd")
