"""How a room declares a JSON endpoint: once, so that what is read, what is checked and what is described are the same.

    bp = Blueprint("savings_api", __name__, url_prefix="/api/savings")

    @bp.post("/members/<uuid:member_id>/accounts")
    @scoped("savings.write", body=OpenAccount, answer=AccountOpened, status=201, refuses=(MayNotOpen, OneIsEnough))
    def open_account(member_id: UUID, body: OpenAccount, key: str | None) -> Created:
        '''Open an account for a member.'''

What the decorator is told, the view is handed, by these names:

``query=``        a ``Form`` (for a list a ``Paged``): the parameters, as ``query``; unknown ones are refused
``body=``         a ``Form``: the JSON body, as ``body``, read strictly; an endpoint without one takes no body
``moves_money=``  the sender must send an ``Idempotency-Key``. Every POST may, and is handed it as ``key``: give it to
                  ``carry_out``, which does the work in one transaction, once for each key
``only_reads=``   a POST that changes nothing (a search whose words must stand in no address) takes no key
``version=``      a function of the address that gives the record's version. An edit must then name it in ``If-Match``
                  and is handed it as ``version``; a GET whose answer is a ``VersionedAnswer`` has an ETag either way

The view returns an ``Answer``, an ``Once`` of ``carry_out``, or a ``Created``. Refusals are not caught; those that
``refuses=`` names are described. The docstring is the description: its first line the summary. The document
(`app/api/document`) is made from all this; a test compares it with the address map.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import Response, request
from pydantic import BaseModel

from app.api import answers, bodies, parameters, preconditions, replays
from app.api.access import Scoped, api_actor
from app.api.answers import Created
from app.identity.scopes import SCOPES
from app.kernel.answers import Answer
from app.kernel.errors import Conflict, Refusal
from app.kernel.forms import Form
from app.kernel.idempotency import Once, once
from app.kernel.transactions import in_transaction
from app.web.access import UNSAFE, View, declare

STALE = "stale_edit"  # what rooms call an edit that somebody else was faster with

Version = Callable[..., int]


@dataclass(frozen=True, slots=True)
class Contract:
    """What an endpoint takes and what it answers."""

    answer: type[Answer]
    status: int = 200
    query: type[Form] | None = None
    body: type[BaseModel] | None = None
    moves_money: bool = False
    only_reads: bool = False
    version: Version | None = None
    refuses: tuple[type[Refusal], ...] = ()
    scope: str | None = None  # none: it is open to programs without a token, and reads its request by itself

    def takes_key(self, method: str) -> bool:
        """Whether the sender may send a key, so that the request can be sent again."""
        return method == "POST" and self.scope is not None and not self.only_reads


def scoped(
    scope: str,
    *,
    answer: type[Answer],
    permission: str | None = None,
    status: int = 200,
    query: type[Form] | None = None,
    body: type[Form] | None = None,
    moves_money: bool = False,
    only_reads: bool = False,
    version: Version | None = None,
    refuses: tuple[type[Refusal], ...] = (),
) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """Only with a token of this scope, of somebody with the permission, named where the scope stands for several."""
    needed = SCOPES[scope].needs(permission)
    contract = Contract(answer, status, query, body, moves_money, only_reads, version, refuses, scope)

    def note(view: Callable[..., Any]) -> Callable[..., Response]:
        @wraps(view)
        def endpoint(**address: Any) -> Response:
            return _answer(contract, view, address)

        endpoint.__contract__ = contract  # type: ignore[attr-defined]  # a function carries what is pinned to it
        return declare(Scoped(scope, needed))(endpoint)

    return note


def contract_of(view: Callable[..., Any]) -> Contract | None:
    """What an endpoint was declared to take and answer."""
    return getattr(view, "__contract__", None)


def described(contract: Contract) -> Callable[[View], View]:
    """Describe an endpoint that reads its request by itself, such as one that a provider calls."""

    def note(view: View) -> View:
        view.__contract__ = contract  # type: ignore[attr-defined]
        return view

    return note


def carry_out(operation: str, key: str | None, inputs: Mapping[str, Any], work: Callable[[], Any]) -> Once:
    """Do ``work`` in one transaction, and once only for the sender's key if there is one; it answers a JSON value."""
    if key is None:
        return Once(in_transaction(work), replayed=False)
    by = api_actor()
    return in_transaction(lambda: once(operation, key, inputs, by=by, work=work))


def _answer(contract: Contract, view: Callable[..., Any], address: Mapping[str, Any]) -> Response:
    given = dict(address)
    if contract.query:
        given["query"] = parameters.read(contract.query)
    else:
        parameters.refuse_unknown(set())
    if contract.takes_key(request.method):
        given["key"] = replays.idempotency_key(needed=contract.moves_money)
    if contract.body:
        assert issubclass(contract.body, Form), "what is read refuses what it does not know"
        given["body"] = bodies.read(contract.body)
    elif request.method in UNSAFE:
        bodies.refuse_any()
    if contract.version and request.method in UNSAFE:
        given["version"] = preconditions.matching(contract.version(**address))
    result = _call(contract, view, given, address)
    return preconditions.unless_known(answers.response(result, status=contract.status))


def _call(
    contract: Contract, view: Callable[..., Any], given: Mapping[str, Any], address: Mapping[str, Any]
) -> Answer | Once | Created:
    try:
        result: Answer | Once | Created = view(**given)
    except Conflict as conflict:
        # Between our look at the version and the lock somebody else saved: the same answer as a moment later.
        if contract.version is None or conflict.code != STALE:
            raise
        raise preconditions.stale(contract.version(**address)) from conflict
    return result
