"""A running system with members who pay: what an episode needs to cause trouble, and what the oracle needs to look."""

from __future__ import annotations

import itertools
import json
import random
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.harness.programs import Stack

CLIENT_PATIENCE_SECONDS = 60  # a client keeps its key and asks again until it has an answer
FIRST_PHONE = 254_700_100_000
QUICK = {"prompt_seconds": 0.2, "prompt_timeout_seconds": 20, "unreachable_seconds": 1, "callback_seconds": 0.1}


@dataclass(frozen=True)
class Asked:
    """One prompt as its client knows it: what it asked for, and what it expects of the member."""

    episode: str
    key: str
    phone: str
    amount: int
    payment_id: str
    will_pay: bool | None  # None: either, as long as all agree


@dataclass
class Town:
    """The system under trouble. ``rng`` is the only source of chance, so a seed replays a run."""

    stack: Stack
    rng: random.Random
    asked: list[Asked] = field(default_factory=list)
    paid_in: list[str] = field(default_factory=list)  # receipts of paybill payments
    notes: list[str] = field(default_factory=list)
    deaths: int = 0  # disturbances of the system itself: each kills what is in flight

    def __post_init__(self) -> None:
        self._numbers = itertools.count()
        self._token = self.stack.flask(
            "users", "token", "admin", "--scope", "mpesa.prompt", "--scope", "mpesa.query", "--scope", "mpesa.register",
            "--name", "Fault runner",
        ).stdout.strip()  # fmt: skip
        self.members = self._members()
        self.stack.sandbox.send("PUT", "/control/settings", QUICK)
        self._register_paybill()

    def phone(self, *, answers: bool = True) -> str:
        """The phone of somebody new, who enters the PIN by herself (or leaves the prompt alone)."""
        number = str(FIRST_PHONE + next(self._numbers))
        settings = {"balance": 50_000, "auto_answer": "pin" if answers else None, "delay_seconds": 1}
        self.stack.sandbox.send("PUT", f"/control/phones/{number}", settings)
        return number

    def prompt(self, episode: str, phone: str, *, will_pay: bool | None = True, key: str | None = None) -> Asked:
        """Ask a member to pay, as a client that repeats its request until somebody answers."""
        key, amount = key or str(uuid.UUID(int=self.rng.getrandbits(128))), 100 + len(self.asked)
        body = {"phone": phone, "amount": amount, "member": self.rng.choice(self.members), "purpose": "SAVINGS_DEPOSIT"}
        answer = self.post("/api/mpesa/stk-push", body, key=key)
        assert answer.status_code == 202, answer.text
        asked = Asked(episode, key, phone, amount, answer.json()["payment_id"], will_pay)
        self.asked.append(asked)
        return asked

    def post(self, path: str, body: dict[str, Any], *, key: str) -> requests.Response:
        """Send until there is an answer; the key makes repeating harmless."""
        give_up = time.monotonic() + CLIENT_PATIENCE_SECONDS
        while True:
            try:
                answer = requests.post(f"{self.stack.url}{path}", json=body, headers=self._headers(key), timeout=20)
                if answer.status_code < 500:
                    return answer
                said = answer.text
            except requests.RequestException as trouble:
                said = repr(trouble)
            assert time.monotonic() < give_up, f"nobody answered: {said}"
            time.sleep(0.5)

    def state(self, payment_id: str) -> dict[str, Any]:
        """What the system tells a client about a payment."""
        answer = requests.get(f"{self.stack.url}/api/mpesa/query/{payment_id}", headers=self._headers(None), timeout=20)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told

    def pay_paybill(self, account: str, amount: int) -> None:
        """Somebody pays the paybill from the phone's menu."""
        told = self.stack.sandbox.send(
            "POST",
            "/control/paybill",
            {"phone": self.phone(), "shortcode": "174379", "account": account, "amount": amount},
        )
        self.paid_in.append(told["receipt"])

    def moved(self) -> dict[str, dict[str, Any]]:
        """The provider's side: every receipt of money that came in to our paybill."""
        lines = self.stack.sandbox.get("/control/statement", provider="daraja")["lines"]
        return {line["receipt"]: line for line in lines if line["direction"] == "in" and line["status"] == "Completed"}

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Read the database directly, as its owner."""
        with self.stack.connect() as connection:
            return connection.execute(sql).fetchall()  # type: ignore[arg-type]  # fixed statements of this package

    def note(self, text: str) -> None:
        self.notes.append(text)

    def _headers(self, key: str | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} | ({"Idempotency-Key": key} if key else {})

    def _members(self) -> list[str]:
        """Members with exactly one open account: a prompt need not name it."""
        return [
            number
            for (number,) in self.rows(
                "SELECT m.number FROM member m JOIN savings_account s ON s.member_id = m.id"
                " WHERE m.status = 'active' AND s.status = 'open' GROUP BY m.number HAVING count(*) = 1 ORDER BY 1"
            )
        ]

    def _register_paybill(self) -> None:
        answer = self.post("/api/mpesa/c2b/register", {"response_type": "Completed"}, key="register")
        assert answer.status_code == 202, json.dumps(answer.json())
