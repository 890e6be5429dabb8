"""How the web processes are run; the address to listen on comes from the command line."""

import re
import sys
from logging import Filter, Formatter, LogRecord
from typing import Any

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

workers = 2
worker_class = "gthread"
threads = 8
timeout = 30  # a request that takes longer is lost; statements time out before
graceful_timeout = 10
keepalive = 5
preload_app = True  # a killed worker is replaced in no time
control_socket_disable = True
if sys.platform == "linux":
    worker_tmp_dir = "/dev/shm"  # noqa: S108 - heartbeats must not wait for a disk


def post_fork(server: Arbiter, worker: Worker) -> None:
    """Let a new worker open connections of its own: those of its parent are not its to use."""
    application = server.app.wsgi()
    with application.app_context():
        application.extensions["sqlalchemy"].engine.dispose(close=False)


SECRET_IN_PATH = re.compile(r"(/hooks/\w+/|/api/mpesa/query/)[^/?\s\"]+")
"""A callback's secret, and a CheckoutRequestID, which holds the payer's number."""


class MaskingFormatter(Formatter):
    """Keeps secrets that travel in paths out of every line, tracebacks included."""

    def format(self, record: LogRecord) -> str:
        return SECRET_IN_PATH.sub(r"\1•", super().format(record))


class PeopleOnly(Filter):
    """Leaves out what a machine asks every few seconds."""

    def filter(self, record: LogRecord) -> bool:
        return isinstance(record.args, dict) and record.args.get("U") not in ("/healthz", "/readyz", "/metrics")


_FORMAT = {"()": MaskingFormatter, "format": "%(asctime)s [%(process)d] %(levelname)s %(message)s"}
_OUTPUT = {"class": "logging.StreamHandler", "formatter": "masked", "stream": "ext://sys.stdout"}
_TO_OUTPUT = {"handlers": ["output"], "propagate": False}

accesslog = "-"
access_log_format = '%(h)s "%(m)s %(U)s" %(s)s %(B)s %(M)sms'  # no query string: searches hold names and numbers
logconfig_dict: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"masked": _FORMAT},
    "filters": {"people": {"()": PeopleOnly}},
    "handlers": {"output": _OUTPUT},
    "root": {"level": "INFO", "handlers": ["output"]},
    "loggers": {
        "gunicorn.error": {"level": "INFO", **_TO_OUTPUT},
        "gunicorn.access": {"level": "INFO", "filters": ["people"], **_TO_OUTPUT},
        "alembic": {"level": "WARNING"},  # it greets whoever asks for the version of the schema
    },
}
