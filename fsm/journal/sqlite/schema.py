"""Schema: the tables of a journal in SQLite, and the rules that the database itself keeps.

`steps` is the journal: only ever added to. `runs` is where each run stands, and the database makes
it from the steps, so the two cannot disagree. What a step must obey is a trigger, so that it binds
whoever writes: the run is where the step begins, the place is the next one, the claim is the last
one made, and the lifecycle has such an edge.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

from fsm.errors import CorruptJournal
from fsm.journal.arguments import LAST
from fsm.journal.phase import PHASES, RUNNING, due_of, phase_of
from fsm.journal.records import Record, read
from fsm.journal.relational.inserts import Writing
from fsm.journal.relational.statements import STEP
from fsm.states import StateError, loads

__all__ = ["MARK", "RULES", "VERSION", "create", "upgrade"]

MARK = 0x52554E53  # "RUNS": the application_id of our files
VERSION = 3

_PHASES = ", ".join(f"'{phase}'" for phase in PHASES)
_TIME = "BETWEEN -62135596800000000 AND 253402300799999999"  # microseconds: the years 1 to 9999

# `WITHOUT ROWID`: a run's steps lie together, in order, and the key is the table.
_RUNS = f"""
CREATE TABLE runs (
    id       TEXT    NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 200),
    kind     TEXT    NOT NULL,  -- module:Class, whose edges hold; '' where nobody has said
    state    TEXT    NOT NULL,
    phase    TEXT    NOT NULL CHECK (phase IN ({_PHASES})),
    version  INTEGER NOT NULL CHECK (version >= 0),  -- how many steps it has
    epoch    INTEGER NOT NULL DEFAULT 0 CHECK (epoch >= 0),  -- how often it was claimed
    owner    TEXT,
    lease    INTEGER CHECK (lease {_TIME}),  -- when the claim lapses
    due      INTEGER CHECK (due {_TIME}),
    deadline INTEGER CHECK (deadline {_TIME}),
    timeout  INTEGER CHECK (timeout >= 0),  -- microseconds an attempt may run
    retries  INTEGER NOT NULL DEFAULT 0 CHECK (retries >= 0),  -- how many its policy allows
    parent   TEXT,
    child    INTEGER CHECK (child >= 0),
    began    INTEGER NOT NULL CHECK (began {_TIME}),
    moved    INTEGER NOT NULL CHECK (moved {_TIME}),
    CHECK ((owner IS NULL) = (lease IS NULL)),
    CHECK ((parent IS NULL) = (child IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX runs_began    ON runs (began, id);
CREATE INDEX runs_open     ON runs (began, id) WHERE phase <> 'finished';
CREATE INDEX runs_wakes    ON runs (coalesce(deadline, due), id);
CREATE INDEX runs_lease    ON runs (lease) WHERE lease IS NOT NULL;
CREATE INDEX runs_children ON runs (parent, child) WHERE parent IS NOT NULL;
"""

_STEPS = f"""
CREATE TABLE steps (
    run     TEXT    NOT NULL REFERENCES runs (id) CHECK (length(run) BETWEEN 1 AND 200),
    seq     INTEGER NOT NULL CHECK (seq >= 1),
    event   TEXT    NOT NULL,
    source  TEXT    NOT NULL,
    dest    TEXT    NOT NULL,
    micros  INTEGER NOT NULL CHECK (micros {_TIME}),
    payload TEXT    NOT NULL CHECK (json_valid(payload)),
    origin  TEXT    CHECK (origin IS NULL OR json_valid(origin)),
    phase   TEXT    NOT NULL CHECK (phase IN ({_PHASES})),
    due     INTEGER CHECK (due {_TIME}),
    epoch   INTEGER CHECK (epoch >= 1),  -- of the claim it was made under, if any
    key     TEXT    CHECK (length(key) BETWEEN 1 AND 200),  -- of the request it answers, if any
    children INTEGER CHECK (children >= 1),  -- how many of its payload's children are rows instead
    PRIMARY KEY (run, seq),
    CHECK ((seq = 1) = (origin IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX steps_key ON steps (run, key) WHERE key IS NOT NULL;
"""

# Notes on what did not happen: no step depends on them.
_REFUSALS = f"""
CREATE TABLE refusals (
    run    TEXT    NOT NULL REFERENCES runs (id),
    seq    INTEGER NOT NULL CHECK (seq >= 0),  -- how many steps it had made
    event  TEXT    NOT NULL,
    state  TEXT    NOT NULL,
    micros INTEGER NOT NULL CHECK (micros {_TIME}),
    reason TEXT    NOT NULL,
    who    TEXT,
    PRIMARY KEY (run, seq, event)
) STRICT, WITHOUT ROWID;
"""

_REST = f"""
CREATE TABLE edges (
    kind   TEXT NOT NULL,
    source TEXT NOT NULL,
    event  TEXT NOT NULL,
    dest   TEXT NOT NULL,
    PRIMARY KEY (kind, source, event, dest)
) STRICT, WITHOUT ROWID;

CREATE TABLE late (  -- steps that came after others had gone on
    id      INTEGER PRIMARY KEY,
    run     TEXT    NOT NULL REFERENCES runs (id),
    seq     INTEGER NOT NULL,
    event   TEXT    NOT NULL,
    source  TEXT    NOT NULL,
    dest    TEXT    NOT NULL,
    micros  INTEGER NOT NULL CHECK (micros {_TIME}),
    payload TEXT    NOT NULL CHECK (json_valid(payload)),
    epoch   INTEGER,
    owner   TEXT,
    reason  TEXT    NOT NULL
) STRICT;

CREATE INDEX late_run ON late (run);

{_REFUSALS}
CREATE TABLE outbox (  -- listeners that are still to be told
    run      TEXT    NOT NULL,
    seq      INTEGER NOT NULL,
    listener TEXT    NOT NULL,
    PRIMARY KEY (run, seq, listener),
    FOREIGN KEY (run, seq) REFERENCES steps (run, seq)
) STRICT, WITHOUT ROWID;
"""

# The first words after `fsm:` say which rule was broken; `refusal` in writing.py reads them.
_RULES = """
CREATE TRIGGER steps_obey BEFORE INSERT ON steps BEGIN
    SELECT RAISE(ABORT, 'fsm: unknown run')
    WHERE NOT EXISTS (SELECT 1 FROM runs WHERE id = NEW.run);
    SELECT RAISE(ABORT, 'fsm: stale')
    FROM runs WHERE id = NEW.run AND (version <> NEW.seq - 1 OR state <> NEW.source);
    SELECT RAISE(ABORT, 'fsm: fenced')
    FROM runs WHERE id = NEW.run AND NEW.epoch <> epoch;
    SELECT RAISE(ABORT, 'fsm: no such edge')
    FROM runs WHERE id = NEW.run AND kind <> '' AND NOT EXISTS (
        SELECT 1 FROM edges
        WHERE edges.kind = runs.kind AND source = NEW.source AND event = NEW.event
          AND dest = NEW.dest
    );
END;

CREATE TRIGGER steps_move AFTER INSERT ON steps BEGIN
    UPDATE runs SET
        version = NEW.seq, state = NEW.dest, phase = NEW.phase, moved = NEW.micros, due = NEW.due,
        deadline = CASE
            WHEN NEW.phase <> 'running' THEN NULL
            WHEN phase = 'running' THEN deadline
            ELSE min(NEW.micros + timeout, 253402300799999999)
        END
    WHERE id = NEW.run;
END;

CREATE TRIGGER steps_stand BEFORE UPDATE ON steps BEGIN
    SELECT RAISE(ABORT, 'fsm: a step is never changed');
END;

CREATE TRIGGER steps_stay BEFORE DELETE ON steps BEGIN
    SELECT RAISE(ABORT, 'fsm: a step is never removed');
END;

CREATE TRIGGER runs_begin BEFORE INSERT ON runs WHEN NEW.version <> 0 BEGIN
    SELECT RAISE(ABORT, 'fsm: a run begins without steps');
END;

CREATE TRIGGER runs_follow BEFORE UPDATE OF id, kind, state, version ON runs BEGIN
    SELECT RAISE(ABORT, 'fsm: a run is what its steps say')
    WHERE NEW.id <> OLD.id OR NEW.kind <> OLD.kind OR NOT EXISTS (
        SELECT 1 FROM steps WHERE run = NEW.id AND seq = NEW.version AND dest = NEW.state
    );
END;

CREATE TRIGGER runs_fence BEFORE UPDATE OF epoch ON runs WHEN NEW.epoch < OLD.epoch BEGIN
    SELECT RAISE(ABORT, 'fsm: an epoch never goes back');
END;

CREATE TRIGGER runs_stay BEFORE DELETE ON runs BEGIN
    SELECT RAISE(ABORT, 'fsm: a run is never removed');
END;
"""


def create(connection: sqlite3.Connection) -> None:
    """Make the tables and rules, within the caller's transaction."""
    _execute(connection, _RUNS + _STEPS + _REST + _RULES)
    _stamp(connection)


def upgrade(connection: sqlite3.Connection, version: int) -> None:
    """Bring a journal of an earlier *version* up to ours, within the caller's transaction."""
    if version == 1:
        _execute(connection, _FROM_1)
        for (run,) in connection.execute("SELECT id FROM runs").fetchall():
            _complete(connection, run)
        _execute(connection, _RULES)
    else:
        assert version == 2, "there is no other yet"
        _execute(connection, _REFUSALS)
    _stamp(connection)


# Version 1 had the steps alone, and knew nothing of classes: the kind of its runs is "".
_FROM_1 = f"""
ALTER TABLE steps RENAME TO steps_of_1;
{_RUNS}{_STEPS}{_REST}
INSERT INTO runs (id, kind, state, phase, version, began, moved)
SELECT last.run, '', last.dest, 'other', last.seq, first.micros, last.micros
FROM (SELECT run, max(seq) AS seq FROM steps_of_1 GROUP BY run)
JOIN steps_of_1 AS last USING (run, seq)
JOIN steps_of_1 AS first ON first.run = last.run AND first.seq = 1;
INSERT INTO steps
SELECT run, seq, event, source, dest, micros, payload, origin, 'other', NULL, NULL, NULL, NULL
FROM steps_of_1 ORDER BY run, seq;
DROP TABLE steps_of_1;
"""
_BEGUN = """
SELECT micros FROM steps JOIN runs ON run = id
WHERE id = :run AND dest = state AND source <> state ORDER BY seq DESC LIMIT 1
"""
_COMPLETE_RUN = """
UPDATE runs SET phase = :phase, due = :due, deadline = :deadline, timeout = :timeout,
                retries = :retries, parent = :parent, child = :child
WHERE id = :run
"""
_COMPLETE_STEP = """
UPDATE steps SET phase = :phase, due = :due
WHERE run = :run AND seq = (SELECT version FROM runs WHERE id = :run)
"""


def _complete(connection: sqlite3.Connection, run: str) -> None:
    """Say of a run and its last step what version 1 did not."""
    version = connection.execute("SELECT version FROM runs WHERE id = ?", (run,)).fetchone()[0]
    first, last = (
        Record(*connection.execute(STEP, {"run": run, "seq": seq}).fetchone())
        for seq in (1, version)
    )
    try:
        began = Writing(next(read([first])), None).run_row()
        state = loads(last.payload)
    except (StateError, CorruptJournal):  # of a class that is not known here: nobody hands it out
        return
    phase, timeout, deadline = phase_of(state), began["timeout"], None
    begun = connection.execute(_BEGUN, {"run": run}).fetchone()
    if phase == RUNNING and timeout is not None and begun is not None:
        deadline = min(begun[0] + timeout, LAST)
    given = {"run": run, "phase": phase, "due": due_of(state, last.micros), "deadline": deadline}
    connection.execute(_COMPLETE_STEP, given)
    connection.execute(_COMPLETE_RUN, began | given)


def _stamp(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA application_id = {MARK}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _execute(connection: sqlite3.Connection, script: str) -> None:
    for statement in _statements(script):
        connection.execute(statement)


def _statements(script: str) -> Iterator[str]:
    """The statements one by one: `executescript` would end the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _named(rule: str) -> tuple[str, str]:
    found = re.match(r"CREATE TRIGGER (\w+)", rule)
    assert found is not None, "rules are triggers"
    return found[1], rule.rstrip(";")  # as SQLite keeps it


RULES = dict(_named(rule.strip()) for rule in _statements(_RULES))
