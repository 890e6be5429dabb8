"""MpesaService: what can be asked of M-PESA, for one paybill. Every method calls out: no transaction may be open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.payments.rails import Answer, Outcome

from . import client as daraja
from . import messages
from .auth import MpesaAuthService, NoToken
from .client import DarajaClient
from .codes import ACCEPTED, NOTHING_LEARNED, Again, Meaning, meaning_of_query, meaning_of_refusal
from .configuration import SIMULATED_PULL_PHONE, Configuration
from .fields import Limits
from .messages import PulledPage, ResponseType, StkPush
from .replies import Reply, is_accepted, read_fault

NO_PROMPT = "ws_CO_01012020000000000700000000"  # in the form of a real one, of no prompt
PULL_REGISTERED = ("1000", "1001")  # now, or before


class NotAnswered(Exception):
    """M-PESA did not do what was asked; ``meaning`` says why and what may be done."""

    def __init__(self, meaning: Meaning) -> None:
        super().__init__(meaning.words)
        self.meaning = meaning


@dataclass(frozen=True, slots=True)
class Hooks:
    """The addresses at which M-PESA announces payments to a paybill."""

    confirmation: str
    validation: str
    pull: str


class MpesaService:
    """Daraja's verbs for one configuration, each with a token that is good."""

    def __init__(self, configuration: Configuration, *, client: DarajaClient | None = None) -> None:
        self._configuration = configuration
        self._client = client or DarajaClient(configuration.api_url)
        self._auth = MpesaAuthService(configuration, self._client)

    def stk_push(self, push: StkPush, limits: Limits) -> Answer:
        """Make a phone ring. What may have happened is never asked for twice."""
        try:
            body = messages.stk_push_request(push, limits, plain_http=self._configuration.plain_http)
        except ValueError as wrong:
            return Answer(Outcome.FAILED, str(wrong), facts={"step": "push"})
        try:
            reply = self._call(daraja.STK_PUSH_PATH, body)
        except NoToken as without:
            return Answer(without.meaning.outcome, without.meaning.words, facts={"step": "push"})
        acknowledged = messages.read_stk_acknowledgement(reply)
        if acknowledged is None:
            return _answer(meaning_of_refusal(reply), read_fault(reply).code, "push", reply)
        return Answer(
            ACCEPTED.outcome,
            ACCEPTED.words,
            facts={
                "step": "push",
                "merchant_request_id": acknowledged.merchant_request_id,
                "checkout_request_id": acknowledged.checkout_request_id,
            },
            raw=reply.text,
        )

    def stk_query(self, checkout_request_id: str, *, at: datetime) -> Answer:
        """Ask what became of a prompt. It can say "paid" but knows no receipt number."""
        configuration = self._configuration
        body = messages.stk_query_request(
            configuration.shortcode, configuration.passkey or "", checkout_request_id, at=at
        )
        try:
            reply = self._call(daraja.STK_QUERY_PATH, body)
        except NoToken:
            return _answer(NOTHING_LEARNED, "", "query", Reply())
        result = messages.read_stk_query(reply)
        if result is not None and result.checkout_request_id not in ("", checkout_request_id):
            return _answer(NOTHING_LEARNED, "", "query", reply)  # it speaks of another prompt
        code = result.code if result else read_fault(reply).code
        return _answer(meaning_of_query(reply, result), code, "query", reply)

    def register_c2b(self, hooks: Hooks, response_type: ResponseType) -> None:
        """Tell M-PESA where to announce payments to the paybill. Raises NotAnswered and ValueError."""
        body = messages.c2b_register_request(
            self._configuration.shortcode,
            response_type,
            hooks.confirmation,
            hooks.validation,
            plain_http=self._configuration.plain_http,
        )
        self._ask(daraja.C2B_REGISTER_PATHS[self._configuration.c2b_version], body, "0")

    def register_pull(self, hooks: Hooks) -> None:
        """Open the list of receipts for the paybill. Raises NotAnswered and ValueError."""
        nominated = self._configuration.pull_phone
        if nominated is None and self._configuration.is_simulated:
            nominated = SIMULATED_PULL_PHONE
        if nominated is None:
            raise ValueError("Enter the paybill's nominated phone first.")
        body = messages.pull_register_request(
            self._configuration.shortcode,
            nominated,
            hooks.pull,
            plain_http=self._configuration.plain_http,
        )
        self._ask(daraja.PULL_REGISTER_PATH, body, *PULL_REGISTERED)

    def pull(self, since: datetime, until: datetime, *, offset: int = 0) -> PulledPage:
        """One page of the receipts of a window. Raises NotAnswered."""
        body = messages.pull_request(self._configuration.shortcode, since, until, offset)
        try:
            reply = self._call(daraja.PULL_QUERY_PATH, body)
        except NoToken as without:
            raise NotAnswered(without.meaning) from None
        page = messages.read_pull(reply)
        if page is None:
            raise NotAnswered(meaning_of_refusal(reply))
        return page

    def test_connection(self, *, at: datetime) -> str:
        """Fetch a fresh token and ask about a prompt that does not exist; returns what that showed.

        The question costs nothing and rings no phone; how it is refused shows whether M-PESA knows paybill and
        passkey. Raises NotAnswered.
        """
        configuration = self._configuration
        body = messages.stk_query_request(configuration.shortcode, configuration.passkey or "", NO_PROMPT, at=at)
        try:
            self._auth.renew()
            reply = self._call(daraja.STK_QUERY_PATH, body)
        except NoToken as without:
            raise NotAnswered(without.meaning) from None
        fault = read_fault(reply)
        if messages.read_stk_query(reply) or "CheckoutRequestID" in fault.message:
            return "M-PESA accepts the keys, the paybill and the passkey."
        meaning = meaning_of_refusal(reply)
        if meaning.needs_operator:
            raise NotAnswered(meaning)
        return "M-PESA accepts the keys. It did not say whether it accepts the passkey."

    def _ask(self, path: str, body: Mapping[str, Any], *success: str) -> None:
        try:
            reply = self._call(path, body)
        except NoToken as without:
            raise NotAnswered(without.meaning) from None
        if not is_accepted(reply, *success):
            raise NotAnswered(meaning_of_refusal(reply))

    def _call(self, path: str, body: Mapping[str, Any]) -> Reply:
        """One request. A refused token is replaced and the request repeated once.

        That is safe for money too: the gateway refused it before it carried anything out. Raises NoToken.
        """
        token = self._auth.token()
        reply = self._client.post(path, body, token)
        if reply.status in (None, 200) or meaning_of_refusal(reply).again is not Again.TOKEN:
            return reply
        self._auth.drop(token)
        return self._client.post(path, body, self._auth.token())


def _answer(meaning: Meaning, code: str, step: str, reply: Reply) -> Answer:
    return Answer(
        meaning.outcome,
        meaning.words,
        code=code or None,
        facts={"step": step},
        raw=reply.text,
        pause_seconds=meaning.pause_seconds,
    )
