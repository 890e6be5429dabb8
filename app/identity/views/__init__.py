"""The pages of this room: signing in and out, one's own password, and the users for administrators."""

from flask import Blueprint

bp = Blueprint("identity", __name__)

from app.identity.views import own_password, sign_in, users  # noqa: E402, F401 - they put their pages on the blueprint
