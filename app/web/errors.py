"""What went wrong, in our own voice: what happened, whether money moved, what to do, and the request's id.

One handler for people. Programs under ``/api`` and providers under ``/hooks`` have their own words: their shells hand
in a renderer with ``edge()``. The pages for 500 and 503 need neither a session nor the database, since these may be
the trouble.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Flask, Response, current_app, g, make_response, render_template, request
from flask_login import current_user
from sqlalchemy.exc import InterfaceError, OperationalError
from werkzeug.exceptions import HTTPException, InternalServerError

from app.kernel.errors import Refusal, SignInNeeded, TooMany, Trouble
from app.web import access
from app.web.pages import wants_fragment

RETRY_AFTER_SECONDS = 10
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One answer that is not what was asked for."""

    status: int
    code: str
    title: str
    message: str
    advice: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    retry_after_seconds: int | None = None


Renderer = Callable[[Problem], Response]

TITLES = {
    400: "This could not be read",
    401: "Please sign in",
    403: "You may not do this",
    404: "There is nothing here",
    405: "This address is not for that",
    409: "This is no longer possible",
    413: "This is too large",
    415: "This could not be read",
    422: "Please check what you entered",
    429: "Please wait a moment",
    500: "Something went wrong on our side",
    503: "The system cannot be reached",
}
TITLES_BY_CODE = {"form_not_ours": "This page has become old"}
_PLAIN_HTTP = {
    400: ("The browser sent something we cannot read.", "Go back, refresh the page and try again."),
    403: ("Your role does not allow this.", "If you need it, ask an administrator."),
    404: (
        "The address may be mistyped, or what it showed has been removed.",
        "Search for it above, or start from Home.",
    ),
    405: ("This page cannot be opened that way.", "Start from Home."),
    413: ("What you sent is larger than we take.", "Send less at once, or a smaller file: a file may have 10 MB."),
    415: ("We cannot read this kind of content.", "Send the form from its page."),
    422: ("Something in what was sent is not right.", "Go back and check it."),
    429: ("That was asked too often.", "Wait a minute, then try again."),
}
_OUT_OF_ORDER = Problem(
    503,
    "unavailable",
    TITLES[503],
    "The database does not answer just now.",
    "Try again in a minute.",
    retry_after_seconds=RETRY_AFTER_SECONDS,
)
_OUR_MISTAKE = Problem(500, "mistake", TITLES[500], "It has been recorded, and somebody will look at it.")


def install(app: Flask) -> None:
    """Register one handler for each kind of error; see ``kernel.errors``."""
    app.extensions["error_edges"] = {}
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(Trouble, _troubled)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(OperationalError, _database_down)
    app.register_error_handler(InterfaceError, _database_down)
    app.register_error_handler(InternalServerError, _mistake)


def edge(app: Flask, prefix: str, renderer: Renderer) -> None:
    """Let another shell say in its own words what goes wrong below ``prefix``."""
    app.extensions["error_edges"][prefix] = renderer


def _refused(refusal: Refusal) -> Response:
    wait = refusal.retry_after_seconds if isinstance(refusal, TooMany) else None
    errors = getattr(refusal, "errors", {})
    title = TITLES_BY_CODE.get(refusal.code) or TITLES.get(refusal.status, "This cannot be done")
    problem = Problem(refusal.status, refusal.code, title, refusal.message, "", errors, wait)
    if isinstance(refusal, SignInNeeded) and _edge() is None:
        return make_response(access.send_to_sign_in())
    return _answer(problem)


def _troubled(trouble: Trouble) -> Response:
    current_app.logger.warning("trouble %s: %s", trouble.code, trouble.message)
    return _answer(
        Problem(
            503,
            trouble.code,
            "This did not work just now",
            trouble.message,
            "Try again in a minute.",
            {},
            RETRY_AFTER_SECONDS,
        )
    )


def _http(error: HTTPException) -> Response:
    if error.response is not None or error.code is None or error.code < 400:
        return make_response(error.get_response())  # a redirect that routing makes, or an answer made by a library
    message, advice = _PLAIN_HTTP.get(error.code, ("This cannot be done.", "Start from Home."))
    title = TITLES.get(error.code, "This cannot be done")
    response = _answer(Problem(error.code, "http", title, message, advice, retry_after_seconds=_retry_after(error)))
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        response.headers["Allow"] = ", ".join(allowed)
    return response


def _retry_after(error: HTTPException) -> int | None:
    return 60 if error.code == 429 else None


def _database_down(error: Exception) -> Response:
    current_app.logger.error("the database does not answer", exc_info=error)
    return _answer(_OUT_OF_ORDER)


def _mistake(error: InternalServerError) -> Response:
    """Also reached when showing an error failed in turn, as it must while the database is down."""
    cause = error.original_exception
    return _database_down(cause) if isinstance(cause, OperationalError | InterfaceError) else _answer(_OUR_MISTAKE)


def _answer(problem: Problem) -> Response:
    renderer = _edge()
    response = renderer(problem) if renderer else _shown(problem)
    if problem.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(problem.retry_after_seconds)
    return response


def _edge() -> Renderer | None:
    edges: dict[str, Renderer] = current_app.extensions["error_edges"]
    return next((renderer for prefix, renderer in edges.items() if request.path.startswith(prefix)), None)


def _shown(problem: Problem) -> Response:
    """For people: a page, or for HTMX a message above what was typed, which stays as it is."""
    facts = {"problem": problem, "moved": _whether_anything_moved(problem), "request_id": g.get("request_id")}
    if problem.status >= 500:
        facts["base"] = "_ui/bare.html"
        if wants_fragment():
            g.setdefault("toasts", []).append(f"{problem.title}. {facts['moved']}")
            return make_response("", problem.status)
        return make_response(render_template("web/error.html", **facts), problem.status)
    if wants_fragment():
        response = make_response(render_template("_ui/_problem.html", **facts), problem.status)
        response.headers["HX-Reswap"] = "afterbegin"
        return response
    facts["base"] = "_ui/layout.html" if _somebody_is_here() else "_ui/bare.html"
    return make_response(render_template("web/error.html", **facts), problem.status)


def _whether_anything_moved(problem: Problem) -> str:
    """A refusal saved nothing; after a failure of ours nobody can say, but sending the same form again is safe."""
    if request.method in SAFE_METHODS:
        return ""
    if problem.status < 500:
        return "" if "othing was" in problem.message else "Nothing was saved and no money moved."
    return "If you were sending a form, send it again: the same form is never done twice."


def _somebody_is_here() -> bool:
    return bool(current_user and current_user.is_authenticated and not current_user.is_half_open)
