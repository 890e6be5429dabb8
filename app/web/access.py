"""Who may do what, said at each view and enforced in one place: what says nothing is refused to everybody.

    @bp.get("/<uuid:member_id>")
    @requires("members.view")
    def show(member_id: UUID) -> Response: ...

The decorators only declare. The gate runs before every request, so a view can never be reached around it, and a test
walks the address map to see that each one declares something.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol, TypeVar
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user
from flask_wtf.csrf import CSRFError, CSRFProtect

from app import audit
from app.identity import queries
from app.identity.principal import Nobody, SignedIn
from app.identity.service import sessions
from app.kernel.actor import Actor
from app.kernel.errors import NotAllowed, SignInNeeded
from app.kernel.transactions import in_transaction
from app.web import cookies, freshness, reach
from app.web.pages import leave_to, wants_fragment
from config import Settings

log = logging.getLogger(__name__)

View = TypeVar("View", bound=Callable[..., Any])

csrf = CSRFProtect()
UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


class FormNotOurs(NotAllowed):
    """A form without our token: it comes from another site, or from a page of a session that has ended."""

    code = "form_not_ours"

    def __init__(self) -> None:
        super().__init__(
            "This page is out of date or did not come from here. Nothing was saved; refresh it and try again."
        )


class Declaration(Protocol):
    """What a view says about who may reach it."""

    def admit(self) -> ResponseReturnValue | None:
        """Let the request pass, answer in the view's stead, or refuse."""


@dataclass(frozen=True, slots=True)
class Public:
    """Anybody may, and the reason why."""

    reason: str

    def admit(self) -> ResponseReturnValue | None:
        """Let everybody pass; a form is still only taken from our own pages."""
        _check_form()
        return None


@dataclass(frozen=True, slots=True)
class Staff:
    """Whoever is signed in may, if a role gives the permission; without one, everybody who is signed in."""

    permission: str | None = None
    fresh: bool = False  # who one is must have been shown within the last minutes
    half_open: bool = False  # also for those whose password was right and who have not shown a second factor yet

    def admit(self) -> ResponseReturnValue | None:
        """Let those pass who may; send to the sign-in page, or refuse."""
        if current_user.is_anonymous:
            raise SignInNeeded("Please sign in.")
        if current_user.is_half_open and not self.half_open:
            return send_to_second_step()
        if self.permission and not current_user.may(self.permission):
            _refuse(self.permission)
        _check_form()
        g.asking = person = current_user._get_current_object()
        reach.check(person, self.permission)
        return freshness.asked_first() if self.fresh else None


def requires(permission: str, *, fresh: bool = False) -> Callable[[View], View]:
    """Only for staff with this permission; ``fresh``: who have also shown within the last minutes who they are."""
    return declare(Staff(permission, fresh=fresh))


def signed_in(view: View) -> View:
    """For everybody who is signed in: the home page, one's own password."""
    return declare(Staff())(view)


def freshly_signed_in(view: View) -> View:
    """For everybody who has shown within the last minutes who he is: a change of what one signs in with."""
    return declare(Staff(fresh=True))(view)


def half_signed_in(view: View) -> View:
    """Also for those who have only shown the password so far: the second step of signing in, and signing out."""
    return declare(Staff(half_open=True))(view)


def public(reason: str) -> Callable[[View], View]:
    """For everybody, and the reader is told why."""
    return declare(Public(reason))


def declare(declaration: Declaration) -> Callable[[View], View]:
    """Say who may reach a view."""

    def note(view: View) -> View:
        view.__access__ = declaration  # type: ignore[attr-defined]  # a function carries what is pinned to it
        return view

    return note


def declared(view: Callable[..., Any]) -> Declaration | None:
    """What a view says about who may reach it."""
    return getattr(view, "__access__", None)


def actor() -> Actor:
    """Who does what this page's request asks for."""
    person = current_user._get_current_object()
    assert isinstance(person, SignedIn), "the gate lets nobody else through to a view that acts"
    return person.actor(address=request.remote_addr)


def send_to_sign_in() -> ResponseReturnValue:
    """On to the sign-in page and from there back; HTMX is told to leave, so that no page lands inside a part of one."""
    url = url_for("identity.sign_in", next=freshness.page_around())
    return leave_to(url, status=401) if wants_fragment() else redirect(url, code=303)


def send_to_second_step() -> ResponseReturnValue:
    """On to the page that asks for the second factor: the password alone opens nothing."""
    url = url_for("identity.second_step", next=freshness.page_around())
    return leave_to(url, status=403) if wants_fragment() else redirect(url, code=303)


def install(app: Flask, settings: Settings) -> None:
    """Put the gate before every view."""
    cookies.install(app, settings)
    # The gate checks forms itself, after it knows who asks; a token is good as long as the session that it belongs to.
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False)
    csrf.init_app(app)
    manager = LoginManager(app)
    manager.session_protection = None  # a phone changes its address in the middle of the day; the row decides
    manager.anonymous_user = Nobody
    manager.user_loader(_load)
    app.before_request(_gate)
    app.jinja_env.globals["must_confirm"] = freshness.must_confirm


def _gate() -> ResponseReturnValue | None:
    if request.endpoint is None:
        return None  # no such address, or not by this method: the router's own answer follows
    _check_text()
    declaration = declared(current_app.view_functions[request.endpoint])
    if declaration is None:
        log.error("a view declares no permission and is refused", extra={"endpoint": request.endpoint})
        raise NotAllowed("This page is not open to anybody.")
    return declaration.admit()


def _check_text() -> None:
    """PostgreSQL stores no NUL, and no browser sends one by itself: whoever does is only looking for a way in."""
    typed = [*request.args.values(), *map(str, (request.view_args or {}).values())]
    if not cookies.is_cookieless(request):
        typed += request.form.values()
    if any("\0" in text for text in typed):
        audit.notice("nul_in_request", endpoint=request.endpoint)
        abort(400)


def _load(token: str) -> SignedIn | None:
    """Flask-Login asks who holds the token that the cookie carries."""
    found = queries.signed_in(token)
    if found is None:
        return None
    person, is_time_to_note = found
    if is_time_to_note:
        in_transaction(lambda: sessions.seen(person.session_id))
    return person


def _refuse(permission: str) -> NoReturn:
    """Refuse, and write it down: who tries doors is of interest to the auditor."""
    by, branch_id, endpoint = actor(), current_user.branch_id, request.endpoint
    audit.notice("permission_denied", permission=permission, staff_id=by.id, endpoint=endpoint)
    in_transaction(
        lambda: audit.record(
            "identity.permission_denied",
            subject=("permission", permission),
            by=by,
            after={"endpoint": endpoint},
            branch_id=branch_id,
        )
    )
    raise NotAllowed("Your role does not include this. Nothing was done; ask an administrator if you need it.")


def _check_form() -> None:
    """A page's request that changes something carries our token and comes from our own pages."""
    if request.method not in UNSAFE or cookies.is_cookieless(request):
        return
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        audit.notice("foreign_form", endpoint=request.endpoint)
        raise FormNotOurs
    try:
        csrf.protect()
    except CSRFError:
        audit.notice("form_without_token", endpoint=request.endpoint)
        raise FormNotOurs from None
