"""The sandbox's web application: providers under their prefixes, the phone at ``/``, the controls at ``/control``."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from sandbox import africastalking, control, phone, shortcodes
from sandbox.books import Books
from sandbox.core import EXTENSION
from sandbox.daraja import errors, payments, prompts, routes
from sandbox.deliveries import deliver
from sandbox.engine import Engine

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
LARGEST_BODY = 256 * 1024


def create_app(folder: Path) -> Flask:
    """The sandbox over the books in a folder. Its engine starts to work at once."""
    books = Books(folder)
    with books.writing() as tx:
        shortcodes.seed(tx)

    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]  # fields come in the provider's order
    app.extensions[EXTENSION] = books
    routes.register(app)
    app.register_blueprint(africastalking.bp)
    app.register_blueprint(control.bp)
    app.register_blueprint(phone.bp)
    app.register_error_handler(HTTPException, _wrong_address)
    app.after_request(_headers)

    Engine(
        books,
        {
            "deliver": partial(deliver, books),
            "stk.show": partial(prompts.show, books),
            "stk.auto_answer": partial(prompts.auto_answer, books),
            "stk.finish": partial(prompts.finish, books),
            "stk.expire": partial(prompts.expire, books),
            "c2b.pay": partial(payments.pay_task, books),
            "sms.report": partial(africastalking.report, books),
        },
    ).start()
    return app


def _wrong_address(error: HTTPException) -> Response | HTTPException:
    """A wrong path or method is answered in the words of the provider whose prefix it carries."""
    if request.path.startswith(routes.PREFIX + "/"):
        if error.code == 405:
            return errors.wrong_method(request.method).response()
        return (errors.not_found() if error.code == 404 else errors.unreadable()).response()
    if request.path.startswith("/control/"):
        answer = jsonify(error=error.description)
        answer.status_code = error.code or 500
        return answer
    return error


def _headers(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response
