"""The committed configuration, really running: nginx, PgBouncer, two web processes, a worker and the scheduler.

What differs from a real machine is replaced by name: ports, folders, certificate. Everything else is as it is shipped.
"""

from __future__ import annotations

import datetime
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from launcher.postgres import APPLICATION
from launcher.processes import free_port, kill_session, wait_until
from tests.harness.leftovers import new_folder, remember
from tests.harness.servers import ENCRYPTION_KEYS, SECRET_KEY, Servers

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
NAME = "pamoja.example"
METRICS_TOKEN = "a-token-for-prometheus-that-nobody-else-knows"
PATH = f"{os.defpath}:/usr/sbin"  # Debian keeps servers out of an ordinary one
MISSING = [program for program in ("nginx", "pgbouncer") if shutil.which(program, path=PATH) is None]
START_SECONDS = 60


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass
class Balanced:
    """The running system."""

    folder: Path
    database_url: str  # past the pool
    environment: Mapping[str, str]
    ports: dict[str, int]
    webs: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    _pids: dict[str, int] = field(default_factory=dict)

    # Asking

    def ask(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: str | bytes | None = None
    ) -> Answer:
        """One request through the proxy, on a connection of its own."""
        connection = HTTPConnection(NAME, timeout=45)
        connection.sock = self.tls()
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode())
        finally:
            connection.close()

    def ask_plainly(
        self, port: int, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> Answer:
        """One request without TLS: to the proxy's plain port, or past the proxy."""
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request(method, path, body, {"Host": NAME, **(headers or {})})
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode())
        finally:
            connection.close()

    def raw(self, request: bytes) -> bytes:
        """Bytes as they are, and all that comes back until the proxy closes or falls silent."""
        answer = b""
        with self.tls() as line:
            line.settimeout(1.5)
            line.sendall(request)
            try:
                while more := line.recv(65536):
                    answer += more
            except (TimeoutError, ConnectionError):
                pass
        return answer

    def tls(
        self,
        *,
        name: str = NAME,
        least: ssl.TLSVersion | None = None,
        most: ssl.TLSVersion | None = None,
        ciphers: str | None = None,
    ) -> ssl.SSLSocket:
        """A line to the proxy whose certificate was checked."""
        context = ssl.create_default_context(cafile=str(self.folder / "tls" / "fullchain.pem"))
        if ciphers:
            context.set_ciphers(ciphers)
        if least:
            context.minimum_version = least
        if most:
            context.maximum_version = most
        plain = socket.create_connection(("127.0.0.1", self.ports["https"]), timeout=45)
        try:
            return context.wrap_socket(plain, server_hostname=name)
        except OSError:
            plain.close()
            raise

    # Web processes

    def start_web(self, port: int) -> None:
        """Start one as its unit does."""
        gunicorn = [str(Path(sys.executable).parent / "gunicorn"), "--config", "gunicorn.conf.py"]
        self.webs[port] = self.run(f"web-{port}", [*gunicorn, "--bind", f"127.0.0.1:{port}", "wsgi:app"])

    def kill_web(self, port: int) -> None:
        """As if its machine had failed: no good-bye to anybody."""
        process = self.webs.pop(port)
        kill_session(process.pid)
        process.wait()

    def answers(self, port: int) -> bool:
        """Whether a web process is there."""
        try:
            return self.ask_plainly(port, "GET", "/healthz").status == 200
        except OSError:
            return False

    def run(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        """One program in a session of its own, its words in a log."""
        with (self.folder / "logs" / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._pids[name] = process.pid
        remember(self.folder, **self._pids)
        return process

    def log(self, name: str) -> str:
        """What a program has said."""
        path = self.folder / "logs" / name
        return path.read_text(errors="replace") if path.exists() else ""


@contextmanager
def running_balanced(servers: Servers, database: str) -> Iterator[Balanced]:
    """The whole of it in front of ``database``, gone afterwards."""
    folder = new_folder()
    folder.chmod(0o755)  # PgBouncer refuses to be root and must read its files
    ports = {name: free_port() for name in ("http", "https", "web1", "web2", "pool")}
    direct = servers.postgres.url(APPLICATION, database)
    parts = urlsplit(direct)
    environment = {
        "PATH": os.defpath,
        "VAR": str(folder),
        "PROFILE": "production",
        "RELEASE": "of-tests",
        "DATABASE_URL": f"postgresql://{parts.username}:{parts.password}@127.0.0.1:{ports['pool']}/pamoja",
        "REDIS_URL": servers.redis.url(),
        "SECRET_KEY": SECRET_KEY,
        "ENCRYPTION_KEYS": ENCRYPTION_KEYS,
        "BASE_URL": f"https://{NAME}",
        "TRUSTED_PROXIES": "1",
        "METRICS_TOKEN": METRICS_TOKEN,
        "MPESA_SHORTCODE": "174379",
        "MPESA_CONSUMER_KEY": "consumer-key-of-tests",
        "MPESA_CONSUMER_SECRET": "consumer-secret-of-tests",
        "MPESA_PASSKEY": "a-passkey-of-tests",
        "PYTHONUNBUFFERED": "1",
        **{name: value for name, value in os.environ.items() if name.startswith("COV")},
    }
    system = Balanced(folder, direct, environment, ports)
    for name in ("logs", "tls", "acme", "temporary"):
        (folder / name).mkdir()
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)

        def start(name: str, command: list[str]) -> None:
            process = system.run(name, command)
            stack.callback(process.wait)
            stack.callback(kill_session, process.pid)

        make_certificate(folder / "tls")
        start("pgbouncer", pgbouncer(system, parts.port or 5432, database, str(parts.password)))
        assert wait_until(lambda: listens(ports["pool"]), 10), system.log("pgbouncer.log")
        stack.callback(lambda: [system.kill_web(port) for port in list(system.webs)])
        for number in ("web1", "web2"):
            system.start_web(ports[number])
        for words in (["default"], ["--scheduler"]):
            start(f"worker-{words[0].strip('-')}", [sys.executable, "worker.py", *words])
        start("nginx", nginx(system))
        for number in ("web1", "web2"):
            port = ports[number]
            assert wait_until(lambda port=port: system.answers(port), START_SECONDS), system.log(f"web-{port}.log")
        assert wait_until(lambda: listens(ports["https"]), 10), system.log("nginx.log")
        yield system
        ending = [system.webs.pop(port) for port in list(system.webs)]
        for process in ending:  # a clean end, so that their coverage is written
            process.send_signal(signal.SIGTERM)
        for process in ending:
            process.wait(60)


def nginx(system: Balanced) -> list[str]:
    """The committed site, with the addresses of this machine, inside the least that nginx needs around it."""
    ports, folder = system.ports, system.folder
    site = replaced(
        (DEPLOY / "nginx" / "pamoja.conf").read_text(),
        {
            "listen 80": f"listen 127.0.0.1:{ports['http']}",
            "listen 443": f"listen 127.0.0.1:{ports['https']}",
            "127.0.0.1:8001": f"127.0.0.1:{ports['web1']}",
            "127.0.0.1:8002": f"127.0.0.1:{ports['web2']}",
            "/etc/pamoja/tls/": f"{folder}/tls/",
            "/var/log/nginx/": f"{folder}/logs/",
            "/var/www/acme": f"{folder}/acme",
        },
    )
    (folder / "pamoja.conf").write_text(site)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "\n".join(f"{kind}_temp_path {folder}/temporary/{kind};" for kind in kinds)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user}\ndaemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log {folder}/logs/nginx.log crit;\n"
        f"events {{ worker_connections 512; }}\nhttp {{\n{temporary}\ninclude {folder}/pamoja.conf;\n}}\n"
    )
    return [found("nginx"), "-c", str(folder / "nginx.conf"), "-e", str(folder / "logs" / "nginx.log")]


def pgbouncer(system: Balanced, port: int, database: str, password: str) -> list[str]:
    """The committed pool, in front of the database of the tests."""
    folder = system.folder
    text = replaced(
        (DEPLOY / "pgbouncer" / "pgbouncer.ini").read_text(),
        {
            "port=5432 dbname=pamoja": f"port={port} dbname={database}",
            "listen_port = 6432": f"listen_port = {system.ports['pool']}",
            "/var/log/postgresql/pgbouncer.log": f"{folder}/logs/pool.log",
            "/var/run/postgresql/pgbouncer.pid": f"{folder}/logs/pgbouncer.pid",
            "/etc/pgbouncer/userlist.txt": f"{folder}/userlist.txt",
        },
    )
    (folder / "pgbouncer.ini").write_text(text)
    (folder / "userlist.txt").write_text(f'"{APPLICATION}" "{password}"\n')
    (folder / "logs").chmod(0o777)
    as_somebody = ["-u", "nobody"] if os.geteuid() == 0 else []
    return [found("pgbouncer"), *as_somebody, str(folder / "pgbouncer.ini")]


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """The text with each of these put in place of what is shipped; what is not there any more is an error."""
    for shipped, here in changes.items():
        assert shipped in text, f"the configuration has no {shipped!r}"
        text = text.replace(shipped, here)
    return text


def found(program: str) -> str:
    """Where a program of the system is."""
    path = shutil.which(program, path=PATH)
    assert path is not None
    return path


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def make_certificate(folder: Path) -> None:
    """A certificate for our name that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    (folder / "privkey.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(pem))
