"""The page of a journal in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from fsm import TaskRun, open_journal
from fsm.journal import Journal
from fsm.web import Source, Watch
from fsm.web.actions import act
from fsm.web.classes import KnownClasses
from fsm.web.views import history

from ...postgres import PostgresServer, Server


@pytest.fixture
def source(database: str) -> Iterator[Source]:
    @contextmanager
    def opened() -> Iterator[Journal]:
        with closing(open_journal(database, make=False)) as journal:
            yield journal

    with closing(open_journal(database)) as kept:
        TaskRun("deploy", journal=kept).pause()
    source = Source(opened)
    yield source
    source.close()


def test_it_is_looked_into(source: Source) -> None:
    watch, known = Watch(source), KnownClasses((TaskRun,))
    before = watch.look()

    with source.journal() as journal:
        act(journal, {"action": "approve", "run": "deploy", "by": "Ada"}, known)
        said = history(journal, "deploy")

    assert before.counts == {"Paused": 1}
    assert watch.look().counts == {"Resume": 1}
    assert [step["event"] for step in said["steps"]] == ["pause", "resume"]


def test_a_server_that_dies_is_waited_for(source: Source, postgres: Server) -> None:
    if not isinstance(postgres, PostgresServer):
        pytest.skip("the server is not ours to kill")
    watch = Watch(source)
    before = watch.look()

    postgres.kill()
    gone = watch.look()
    postgres.start()
    back = watch.look()

    assert gone.trouble is not None
    assert gone.runs == back.runs == before.runs
    assert back.trouble is None
