"""How the web processes are run; the address to listen on comes from the command line."""

import os
import shutil
import sys
import tempfile
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


# Each worker counts in files of its own here, so that whichever of them is asked for /metrics tells for all.
# The library looks for this once, when it is imported: nothing may import it before.
if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="pamoja-metrics-")


def child_exit(server: Arbiter, worker: Worker) -> None:
    """Let the gauges of a worker end with it; what it counted stays."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)


def on_exit(server: Arbiter) -> None:
    """Leave nothing behind."""
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)


def post_fork(server: Arbiter, worker: Worker) -> None:
    """Let a new worker open connections of its own: those of its parent are not its to use."""
    application = server.app.wsgi()
    with application.app_context():
        application.extensions["sqlalchemy"].engine.dispose(close=False)


# Our own line for each request knows its route and id and leaves out what is secret; see app/ops.
accesslog = None
_OUTPUT = {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stdout"}
logconfig_dict: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "app.ops.logs.JsonLines"}},
    "handlers": {"output": _OUTPUT},
    "root": {"level": "INFO", "handlers": ["output"]},
    "loggers": {
        "gunicorn.error": {"level": "INFO", "handlers": ["output"], "propagate": False},
        "alembic": {"level": "WARNING"},  # it greets whoever asks for the version of the schema
    },
}
