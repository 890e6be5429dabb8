"""The oracle: what must hold after the faults have ended and the system has healed itself (I1–I16 of the faults)."""

from __future__ import annotations

import json
import time
from collections import Counter
from decimal import Decimal

from tests.faults.town import Town

HEALING_SECONDS = 200  # a sender's lease (90 s), a question, a search for the receipt


def wait_until_healed(town: Town, seconds: float = HEALING_SECONDS) -> float:
    """Wait until every receipt of the provider is credited and nothing is in flight; returns how long it took."""
    begun = time.monotonic()
    while missing := _in_flight(town):
        if time.monotonic() - begun > seconds:
            town.note(f"not healed after {seconds:.0f} s: {missing}")
            break
        time.sleep(1)
    return time.monotonic() - begun


def broken(town: Town) -> list[str]:
    """What does not hold, in words; empty is good."""
    return [
        sentence
        for check in (_receipts, _ledger_has_it, _told_the_truth, _expectations, _texts, _nothing_is_stuck, _verify)
        for sentence in check(town)
    ] + [note for note in town.notes if note.startswith("not healed")]


def _in_flight(town: Town) -> str:
    credited = {
        receipt for (receipt,) in town.rows("SELECT receipt_number FROM payment WHERE receipt_number IS NOT NULL")
    }
    lost = set(town.moved()) - credited
    ringing = town.rows("SELECT count(*) FROM payment WHERE state IN ('created', 'submitted', 'pending', 'paid')")
    waiting = town.rows("SELECT count(*) FROM callback_work WHERE due_at IS NOT NULL")
    texts = town.rows("SELECT count(*) FROM sms_message WHERE state IN ('queued', 'sending')")
    parts = {"receipts": len(lost), "prompts": ringing[0][0], "callbacks": waiting[0][0], "texts": texts[0][0]}
    return ", ".join(f"{count} {name}" for name, count in parts.items() if count)


def _receipts(town: Town) -> list[str]:
    """I5, I8: what the provider took is credited or in suspense, once, to the cent."""
    ours = {
        receipt: (cents, counted)
        for receipt, cents, counted in town.rows(
            "SELECT p.receipt_number, p.amount_cents,"
            " sum(a.amount_cents) FILTER (WHERE a.state IN ('posted', 'suspense'))"
            " FROM payment p JOIN payment_allocation a ON a.payment_id = p.id"
            " WHERE p.receipt_number IS NOT NULL GROUP BY p.id"
        )
    }
    theirs = {receipt: int(Decimal(line["amount"]) * 100) for receipt, line in town.moved().items()}
    found = [f"I8 the provider has receipt {receipt} and we do not" for receipt in theirs.keys() - ours.keys()]
    found += [f"I5 we have receipt {receipt} and the provider does not" for receipt in ours.keys() - theirs.keys()]
    for receipt in theirs.keys() & ours.keys():
        if ours[receipt] != (theirs[receipt], theirs[receipt]):
            found.append(f"I8 receipt {receipt}: provider {theirs[receipt]}, payment and shares {ours[receipt]} cents")
    return found


def _ledger_has_it(town: Town) -> list[str]:
    """The clearing account has moved by exactly what the provider holds for us."""
    [(booked,)] = town.rows(
        "SELECT coalesce(sum(p.amount_cents), 0) FROM ledger.posting p JOIN ledger.entry e ON e.id = p.entry_id"
        " JOIN ledger.ledger_account a ON a.id = p.ledger_account_id WHERE a.code = '1120' AND e.cause_type = 'payment'"
    )
    held = sum(int(Decimal(line["amount"]) * 100) for line in town.moved().values())
    return [] if booked == held else [f"I8 the ledger has {booked} cents on 1120, the provider {held}"]


def _told_the_truth(town: Town) -> list[str]:
    """I16: a client is told *succeeded* exactly where the provider has the money."""
    receipts = town.moved()
    found = []
    for asked in town.asked:
        told = town.state(asked.payment_id)
        paid = any(
            Decimal(line["amount"]) == asked.amount and line["phone"] == asked.phone for line in receipts.values()
        )
        if (told["status"] == "succeeded") != paid:
            found.append(
                f"I16 {asked.episode}: told {told['status']}, the provider {'took' if paid else 'did not take'} it"
            )
    return found


def _expectations(town: Town) -> list[str]:
    """Each member paid once at most, and those who were to pay did.

    Whoever is killed between taking a prompt and sending it leaves it unsent for good: sent again, it might ring twice.
    The member was never asked, the office is told so and asks anew. No more prompts than deaths may end like this.
    """
    taken = Counter((line["phone"], Decimal(line["amount"])) for line in town.moved().values())
    found: list[str] = []
    never_sent = 0
    for asked in town.asked:
        times = taken[asked.phone, Decimal(asked.amount)]
        if times > 1:
            found.append(f"I6 {asked.episode}: the member paid {times} times")
        if asked.will_pay and not times and town.state(asked.payment_id)["status"] in ("failed", "expired"):
            never_sent += 1
            if never_sent <= town.deaths:
                continue
        if asked.will_pay is not None and asked.will_pay != bool(times):
            found.append(f"{asked.episode}: paid {times} times, expected {'once' if asked.will_pay else 'none'}")
    return found


def _texts(town: Town) -> list[str]:
    """I16: nobody was texted about money that is not in the books, nor twice about the same."""
    receipts = town.moved()
    messages = town.stack.sandbox.get("/control/sms")["messages"]
    named = [receipt for message in messages for receipt in _named(message["text"])]
    found = [
        f"I16 a text names {receipt}, which the provider does not know" for receipt in named if receipt not in receipts
    ]
    return found + [f"I16 receipt {receipt} was texted {n} times" for receipt, n in Counter(named).items() if n > 1]


def _named(text: str) -> list[str]:
    words = text.replace(",", " ").replace("(", " ").split()
    return [words[n + 1] for n, word in enumerate(words[:-1]) if word.lower() in ("receipt", "risiti")]


def _nothing_is_stuck(town: Town) -> list[str]:
    """I10: no row has been due for more than two minutes."""
    found = []
    for table in ("payment", "callback_work", "sms_message", "schedule_slot", "webhook_delivery"):
        [(stuck,)] = town.rows(f"SELECT count(*) FROM {table} WHERE due_at < now() - interval '2 minutes'")  # noqa: S608
        if stuck:
            found.append(f"I10 {stuck} rows of {table} have been due for more than two minutes")
    return found


def _verify(town: Town) -> list[str]:
    """I1–I4 and I14, as operators check them."""
    told = town.stack.flask("ledger", "verify", "--json", check=False)
    if told.returncode == 0 and json.loads(told.stdout)["ok"]:
        return []
    return [f"ledger verify: {told.stdout.strip()[-2000:]} {told.stderr.strip()[-500:]}"]
