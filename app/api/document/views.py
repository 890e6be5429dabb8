"""The API's document: for programs as JSON, for people as a page on which every endpoint can be tried.

These two addresses are the only ones below /api that know a signed-in person by the cookie: they only show, and a
browser cannot send a token with a page. In production they are for staff and for programs with a token.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, current_app, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.api.access import admit_any_token
from app.api.document import document
from app.web.access import Staff, declare, send_to_sign_in
from app.web.headers import CONTENT_SECURITY_POLICY
from config import Settings

bp = Blueprint("api_document", __name__, url_prefix="/api")

SWAGGER_UI = "swagger-ui-5.35.0"  # the folder below static/
WITH_ITS_ICONS = f"{CONTENT_SECURITY_POLICY}; img-src 'self' data:"  # its stylesheet carries icons in data: addresses


@dataclass(frozen=True, slots=True)
class Readers:
    """Staff, and whoever shows a token; in the sandbox everybody."""

    is_page: bool = False

    def admit(self) -> ResponseReturnValue | None:
        """Let readers pass. Refuses with TokenNeeded; sends a person to the sign-in page."""
        settings: Settings = current_app.extensions["settings"]
        if "C121" in settings.relaxations:
            return None
        if "Authorization" not in request.headers and not current_user.is_anonymous:
            return Staff().admit()
        if self.is_page:
            return send_to_sign_in()
        admit_any_token()
        return None


@bp.get("/openapi.json")
@declare(Readers())
def openapi() -> Response:
    """The document, as OpenAPI 3.1."""
    return jsonify(document(current_app))


@bp.get("/docs")
@declare(Readers(is_page=True))
def docs() -> Response:
    """Swagger UI over the document."""
    page = make_response(render_template("api/docs.html", swagger_ui=SWAGGER_UI))
    page.headers["Content-Security-Policy"] = WITH_ITS_ICONS
    return page
