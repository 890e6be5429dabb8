"""The pages of this room: what waits for me, one request and its decision, who decides about what, who stands in."""

from flask import Blueprint

bp = Blueprint("approvals", __name__, url_prefix="/approvals")

from app.approvals.views import deciders, requests, stand_ins  # noqa: E402, F401 - they put their pages on the blueprint
