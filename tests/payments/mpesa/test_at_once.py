"""The same money by every way at the same moment, on a database that really commits."""

from __future__ import annotations

import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

from app.kernel.actor import Actor
from app.kernel.clock import now
from app.kernel.database import db
from app.kernel.money import kes
from app.kernel.transactions import in_transaction
from app.payments.models import CallbackOutcome, Payment
from app.payments.rails.mpesa import arrivals
from app.payments.rails.mpesa.models import MpesaTransaction, TransactionChannel
from app.payments.rails.mpesa.payers import Payer
from tests.payments.mpesa.conftest import SHORTCODE, arrive, c2b_body, receipt, stk_body


def test_ten_callbacks_confirmations_and_pulled_lines_at_once_credit_once(committed_society):
    society, app = committed_society.someone, committed_society.app
    payment_id, number, before = committed_society.prompt(), receipt(), committed_society.balance()
    with app.app_context():
        callback = stk_body(payment_id, receipt_number=number)
        confirmation = c2b_body(number, society.reference, MSISDN=society.phone.msisdn)
    work = [lambda: arrive("stk", payment_id, callback)] * 10
    work += [lambda: arrive("confirm", SHORTCODE, confirmation)] * 4
    work += [lambda: pulled(society, number)] * 4
    start = threading.Barrier(len(work))

    def at_once(job):
        def run():
            with app.app_context():
                start.wait()
                return job()

        return contextvars.Context().run(run)

    with ThreadPoolExecutor(len(work)) as pool:
        outcomes = list(pool.map(at_once, work))

    assert committed_society.balance() - before == kes("1,500")
    with app.app_context():
        [transaction] = db.session.query(MpesaTransaction).all()
        assert transaction.payment_id == payment_id
        assert sorted(transaction.channels) == ["callback", "confirmation", "pull"]
        assert db.session.query(Payment).filter(Payment.receipt_number == number).count() == 1
    assert CallbackOutcome.FLAGGED not in outcomes


def pulled(society, number):
    arrival = arrivals.Arrival(
        receipt_number=number,
        shortcode=SHORTCODE,
        amount=kes("1,500"),
        paid_at=now(),
        payer=Payer(society.phone.msisdn[3:]),
        payer_name="",
        account_text=society.reference,
        channel=TransactionChannel.PULL,
    )
    by = Actor.system("mpesa.pull")
    in_transaction(lambda: arrivals.credit_unprompted(arrival, shortcodes=frozenset({SHORTCODE}), by=by))
