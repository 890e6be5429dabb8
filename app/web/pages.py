"""How a view answers: a page for a plain browser, a fragment for HTMX, and a word about what was done.

A view says what there is to show; which of the two forms the browser asked for is decided here, once.
"""

from __future__ import annotations

import json

from flask import (
    Flask,
    Response,
    current_app,
    flash,
    g,
    get_flashed_messages,
    make_response,
    redirect,
    render_template,
    request,
)


def page(template: str, *, fragment: str | None = None, status: int = 200, **context: object) -> Response:
    """Show a page, or only ``fragment`` of it to HTMX that asked for a part.

    Both forms live at one address, so the answer says that it depends on who asks.
    """
    hidden = context.keys() & current_app.jinja_env.globals.keys()
    assert not hidden, f"{template} would hide what the frame asks for: {hidden}"
    chosen = fragment if fragment and wants_fragment() else template
    response = make_response(render_template(chosen, **context), status)
    if fragment:
        response.vary.add("HX-Request")
    return response


def done(url: str, *, fragment: str | None = None, **context: object) -> Response:
    """After a change: send a plain browser on to ``url``, give HTMX the fragment that shows the new state.

    HTMX without a fragment is sent on as well; a 303 would be followed out of sight and land inside the old page.
    """
    if not wants_fragment():
        return _varying(make_response(redirect(url, code=303)))
    if fragment:
        return _varying(make_response(render_template(fragment, **context)))
    return _varying(leave_to(url))


def leave_to(url: str, *, status: int = 204) -> Response:
    """Make HTMX load another page as a whole."""
    response = make_response("", status)
    response.headers["HX-Redirect"] = url
    return response


def wants_fragment() -> bool:
    """HTMX wants a part; boosted links and the back button want the page, whatever header they also carry."""
    headers = request.headers
    return headers.get("HX-Request") == "true" and not (
        headers.get("HX-Request-Type") == "full"
        or headers.get("HX-Boosted") == "true"
        or headers.get("HX-History-Restore-Request") == "true"
    )


def toast(text: str) -> None:
    """Say in passing what was done. It reaches the reader with this answer or, after a redirect, with the next page."""
    g.setdefault("toasts", []).append(text)


def waiting_toasts() -> list[str]:
    """What this page has to say: words left by the request before, and this one's. Taken once, by the layout."""
    return [*get_flashed_messages(), *g.pop("toasts", [])]


def _varying(response: Response) -> Response:
    response.vary.add("HX-Request")
    return response


def _send_word(response: Response) -> Response:
    """Carry what no page took: to the next page if this one sends the browser on, as events if HTMX is listening."""
    texts: list[str] = g.pop("toasts", [])
    if response.location or "HX-Redirect" in response.headers:
        for text in texts:
            flash(text)
    elif wants_fragment():
        said = [name for name in response.headers.get("HX-Trigger", "").split(",") if name]
        if texts:
            response.headers["HX-Trigger"] = json.dumps(dict.fromkeys(said, True) | {"toast": {"texts": texts}})
    return response


def install(app: Flask) -> None:
    """Make the layout able to show toasts, and let none be lost."""
    app.after_request(_send_word)
    app.jinja_env.globals["waiting_toasts"] = waiting_toasts
