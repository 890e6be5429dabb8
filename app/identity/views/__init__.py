"""The pages of this room: signing in and out, what is one's own, and the users for administrators."""

from flask import Blueprint

bp = Blueprint("identity", __name__)

# They put their pages on the blueprint.
from app.identity.views import (  # noqa: E402
    confirm,  # noqa: F401
    own_password,  # noqa: F401
    own_sessions,  # noqa: F401
    roles,  # noqa: F401
    second_factor,  # noqa: F401
    second_step,  # noqa: F401
    sign_in,  # noqa: F401
    user_access,  # noqa: F401
    users,  # noqa: F401
    welcome,  # noqa: F401
)
