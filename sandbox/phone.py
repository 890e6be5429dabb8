"""The phone: one page on which a prompt appears, texts arrive, and money can be seen to move. Works by reload alone."""

from flask import Blueprint

bp = Blueprint("phone", __name__)
