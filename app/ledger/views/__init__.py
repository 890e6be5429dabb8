"""The accountant's pages: entries, manual journals and reversals."""

from flask import Blueprint

bp = Blueprint("ledger", __name__, url_prefix="/ledger")

from app.ledger.views import chart, entries, journals  # noqa: E402, F401 - they put their pages on the blueprint
