"""Callbacks on their way: planned as rows, posted once, never repeated by the provider itself."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import requests

from sandbox import clock
from sandbox.books import Books, Tx, insert
from sandbox.faults import Fault

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
TIMEOUT_SECONDS = (5, 15)
DUPLICATES = 10
LATE_MS = 30_000
GAP_MS = 1_000
"""Between a forgery or a contradiction and the honest callback after it."""


@dataclass(frozen=True)
class Callback:
    """One message to a callback address, and the lies that a fault may tell beside it."""

    kind: str  # stk_callback | c2b_confirmation | delivery_report
    subject: str  # CheckoutRequestID, receipt or message id
    phone: str
    url: str
    body: str
    content_type: str = JSON
    forgeries: Sequence[str] = ()
    contradictions: Sequence[str] = ()  # what an out-of-order sender says first
    afterthoughts: Sequence[tuple[str, str]] = field(default=())  # (address, body) of what should have come earlier


@dataclass(frozen=True)
class _Step:
    after_ms: int
    body: str
    note: str = ""
    copies: int = 1
    url: str | None = None
    lost: bool = False


def to_json(body: Any) -> str:
    """JSON as the provider writes it: a Decimal becomes a number with its decimals, 1.00 and not 1.0."""
    text = json.dumps(body, default=lambda value: f"\x00{value}\x00" if isinstance(value, Decimal) else str(value))
    return re.sub(r'"\\u0000(.*?)\\u0000"', r"\1", text)


def plan(books: Books, tx: Tx, callback: Callback, fault: Fault | None, *, due_at: int) -> None:
    """Have a callback posted at an instant, or what a fault makes of it."""
    for step in _steps(callback, fault):
        at = due_at + step.after_ms
        notes = [
            f"{step.note} {n} of {step.copies}".strip() if step.copies > 1 else step.note
            for n in range(1, step.copies + 1)
        ]
        ids = [_add(tx, callback, step, note, at) for note in notes]
        if not step.lost:
            books.later(tx, "deliver", at, delivery_ids=ids)


def _steps(callback: Callback, fault: Fault | None) -> list[_Step]:
    honest = callback.body
    kind = fault.kind if fault else None
    if fault is None:
        return [_Step(0, honest)]
    if kind == "callback_lost":
        return [_Step(0, honest, "lost on purpose", lost=True)]
    if kind == "callback_late":
        return [_Step(fault.delay_or(LATE_MS), honest, "late on purpose")]
    if kind == "callback_duplicate":
        return [_Step(fault.delay_ms, honest, "copy", copies=DUPLICATES)]
    if kind == "callback_forged":
        lies = [_Step(0, body, "forged") for body in callback.forgeries]
        return [*lies, _Step(fault.delay_or(GAP_MS), honest, "honest, after the forgery")]
    if fault.extra.get("variant") == "before_ack":
        return [_Step(0, honest, "before the answer to the push")]
    early = [_Step(0, body, "contradicts what follows") for body in callback.contradictions]
    gap = fault.delay_or(GAP_MS) if early else 0
    late = [
        _Step(gap + fault.delay_or(GAP_MS), body, "should have come first", url=url)
        for url, body in callback.afterthoughts
    ]
    return [*early, _Step(gap, honest), *late]


def _add(tx: Tx, callback: Callback, step: _Step, note: str, due_at: int) -> int:
    return insert(
        tx,
        "delivery",
        kind=callback.kind,
        subject=callback.subject,
        phone=callback.phone,
        url=step.url or callback.url,
        content_type=callback.content_type,
        body=step.body,
        note=note,
        due_at=due_at,
        state="lost" if step.lost else "waiting",
    )


def deliver(books: Books, delivery_ids: Sequence[int]) -> None:
    """Post planned callbacks; several of them at the same instant, each over a connection of its own."""
    with books.writing() as tx:
        rows = [
            tx.execute(
                "UPDATE delivery SET state = 'sending', sent_at = ? WHERE id = ? RETURNING *",
                (clock.now_ms(), delivery_id),
            ).fetchone()
            for delivery_id in delivery_ids
        ]
    start = threading.Barrier(len(rows))
    posts = [threading.Thread(target=_post_and_record, args=(books, dict(row), start), daemon=True) for row in rows]
    for post in posts:
        post.start()
    for post in posts:
        post.join()


def _post_and_record(books: Books, row: dict[str, Any], start: threading.Barrier) -> None:
    start.wait()
    status, answer = post(row["url"], row["body"], row["content_type"])
    with books.writing() as tx:
        # A provider that is refused or not reached does not try again (reference/mpesa.md 13): it only remembers.
        tx.execute(
            "UPDATE delivery SET state = ?, answered_at = ?, http_status = ?, answer = ? WHERE id = ?",
            ("failed" if status is None else "answered", clock.now_ms(), status, answer[:500], row["id"]),
        )


def post(url: str, body: str, content_type: str = JSON) -> tuple[int | None, str]:
    """Post once; the HTTP status and the answer's text, or None and what went wrong."""
    with requests.Session() as session:
        session.trust_env = False  # callbacks go where the request said, whatever proxy this machine has
        try:
            answer = session.post(
                url,
                data=body.encode(),
                headers={"Content-Type": content_type},
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as trouble:
            return None, type(trouble).__name__
    return answer.status_code, answer.text


def ask(url: str, body: str, seconds: float) -> str | None:
    """Post and give the answer's text if it is a 200 within the time, all in all; else None."""
    answers: list[tuple[int | None, str]] = []
    worker = threading.Thread(target=lambda: answers.append(post(url, body)), daemon=True)
    worker.start()
    worker.join(seconds)
    return answers[0][1] if answers and answers[0][0] == 200 else None
