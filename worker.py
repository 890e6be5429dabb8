"""The processes behind the web: `worker.py QUEUE` answers the doorbell of one queue, `worker.py --scheduler` minds the
clock and sweeps.

One queue a process: with several, a crash between taking an id and starting it would lose the id without trace
(`reference/queue-and-database.md`). Either may be started as often as needed, and killed at any moment.
"""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from functools import partial

from flask import Flask
from redis.client import Pipeline
from rq import Queue, Worker
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy.exc import SQLAlchemyError

from app import create_app
from app.kernel import doorbell, schedule
from app.kernel.database import db
from app.kernel.transactions import in_transaction
from app.ops import logs, sentry
from app.ops.heartbeats import EVERY_SECONDS, SCHEDULER, Pulse, note_finds
from config import settings_from_environment

log = logging.getLogger("worker")

TICK_SECONDS = 1
SWEEP_EVERY_TICKS = 5  # a lost ring costs seconds; the promise is two minutes


class DoorbellWorker(Worker):
    """An RQ worker whose jobs run inside our application, and whose signs of life are rows as well."""

    application: Flask
    pulse: Pulse
    max_connection_wait_time = float(EVERY_SECONDS)  # while Redis is away it still says that it is there

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """Run one job in an app context of its own, in the forked child."""
        with self.application.app_context():
            db.engine.dispose(close=False)  # connections of the parent are not ours to use
            try:
                return super().perform_job(job, queue, execution)
            finally:
                sentry.flush()  # the child ends without the usual good-byes

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Say in PostgreSQL as in Redis that this worker is alive: from its main loop, so a stuck one falls silent."""
        if not self._is_horse:
            with self.application.app_context():
                try:
                    self.pulse.beat()
                except SQLAlchemyError:  # the database may be restarting; the next beat is due in seconds
                    log.warning("a sign of life could not be written")
        super().heartbeat(timeout, pipeline)


def answer_the_doorbell(application: Flask, queue: str) -> None:
    """Work one queue until told to stop; the job at hand is finished first."""
    with application.app_context():
        worker = DoorbellWorker(
            [doorbell.queue(queue)],
            connection=doorbell.redis(),
            serializer=JSONSerializer,
            queue_class=Queue,
            log_job_description=False,
            worker_ttl=2 * EVERY_SECONDS,  # an idle worker wakes after half of it
            job_monitoring_interval=EVERY_SECONDS,
        )
        worker.application, worker.pulse = application, Pulse(queue)
        worker.work(logging_level="WARNING")


def mind_the_clock(application: Flask) -> None:
    """Insert schedule slots and sweep for due rows, until told to stop."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    ticks, slots, pulse = 0, schedule.Slots(), Pulse(SCHEDULER)
    while not stop.wait(TICK_SECONDS):
        with application.app_context():
            try:
                slots = schedule.tick(slots)
                if ticks % SWEEP_EVERY_TICKS == 0:
                    in_transaction(partial(note_finds, doorbell.sweep_all()))
                pulse.beat()
            except Exception:  # the database may be restarting; the clock goes on
                log.exception("the scheduler missed a beat")
        ticks += 1


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("queue", nargs="?", choices=doorbell.QUEUES)
    parser.add_argument("--scheduler", action="store_true", help="mind the clock and sweep instead of working a queue")
    arguments = parser.parse_args()
    if arguments.scheduler == bool(arguments.queue):
        parser.error("name one queue, or --scheduler")

    logs.configure()
    application = create_app(settings_from_environment())
    if arguments.scheduler:
        mind_the_clock(application)
    else:
        answer_the_doorbell(application, arguments.queue)


if __name__ == "__main__":
    main()
