"""Schema: the tables of a journal in SQLite, and the rules that the database itself keeps.

`steps` is the journal, an append-only log. `runs` is the state of each run; triggers derive it from
the steps, so the two cannot disagree. The rules for a step are triggers, so that they bind every
writer: the run is in the state that the step begins in, the place is the next one, the epoch is
that of the last claim, and the lifecycle has such an edge.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

from fsm.errors import CorruptJournal, JournalError
from fsm.ids import MAX_LENGTH
from fsm.journal.deadlines import deadline_of, timeout_of
from fsm.journal.phase import PHASES, due_of, phase_of
from fsm.journal.records import Record, read_steps
from fsm.journal.relational.inserts import Insert
from fsm.journal.relational.kinds import CURRENT_KIND
from fsm.states import StateError, loads

__all__ = ["MARK", "READABLE", "RULES", "VERSION", "create", "upgrade"]

MARK = 0x52554E53  # "RUNS": the application_id of our files
VERSION = 4
READABLE = (3, VERSION)  # by a process that may not upgrade the file: 3 has the same columns

_PHASES = ", ".join(f"'{phase}'" for phase in PHASES)
_NAME = f"<= {MAX_LENGTH}"  # characters
_TIME = "BETWEEN -62135596800000000 AND 253402300799999999"  # microseconds: the years 1 to 9999

# `WITHOUT ROWID`: a run's steps lie together, in order, and the key is the table.
_RUNS = f"""
CREATE TABLE runs (
    id       TEXT    NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 200),
    kind     TEXT    NOT NULL CHECK (length(kind) {_NAME}),  -- module:Class; '' if unknown
    state    TEXT    NOT NULL CHECK (length(state) {_NAME}),
    phase    TEXT    NOT NULL CHECK (phase IN ({_PHASES})),
    version  INTEGER NOT NULL CHECK (version >= 0),  -- how many steps it has
    epoch    INTEGER NOT NULL DEFAULT 0 CHECK (epoch >= 0),  -- how often it was claimed or released
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
    event   TEXT    NOT NULL CHECK (length(event) {_NAME}),
    source  TEXT    NOT NULL CHECK (length(source) {_NAME}),
    dest    TEXT    NOT NULL CHECK (length(dest) {_NAME}),
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

# Attempts that were refused: no step depends on them.
_REFUSALS = f"""
CREATE TABLE refusals (
    run    TEXT    NOT NULL REFERENCES runs (id),
    seq    INTEGER NOT NULL CHECK (seq >= 0),  -- how many steps it had made
    event  TEXT    NOT NULL CHECK (length(event) {_NAME}),
    state  TEXT    NOT NULL CHECK (length(state) {_NAME}),
    micros INTEGER NOT NULL CHECK (micros {_TIME}),
    reason TEXT    NOT NULL,
    who    TEXT,
    PRIMARY KEY (run, seq, event)
) STRICT, WITHOUT ROWID;
"""

_REST = f"""
CREATE TABLE edges (
    kind   TEXT NOT NULL CHECK (length(kind) {_NAME}),
    source TEXT NOT NULL CHECK (length(source) {_NAME}),
    event  TEXT NOT NULL CHECK (length(event) {_NAME}),
    dest   TEXT NOT NULL CHECK (length(dest) {_NAME}),
    PRIMARY KEY (kind, source, event, dest)
) STRICT, WITHOUT ROWID;

CREATE TABLE late (  -- late results: steps by superseded writers
    id      INTEGER PRIMARY KEY,
    run     TEXT    NOT NULL REFERENCES runs (id),
    seq     INTEGER NOT NULL,
    event   TEXT    NOT NULL CHECK (length(event) {_NAME}),
    source  TEXT    NOT NULL CHECK (length(source) {_NAME}),
    dest    TEXT    NOT NULL CHECK (length(dest) {_NAME}),
    micros  INTEGER NOT NULL CHECK (micros {_TIME}),
    payload TEXT    NOT NULL CHECK (json_valid(payload)),
    epoch   INTEGER,
    owner   TEXT,
    reason  TEXT    NOT NULL
) STRICT;

CREATE INDEX late_run ON late (run);

{_REFUSALS}
CREATE TABLE outbox (  -- listeners that must still receive a step
    run      TEXT    NOT NULL,
    seq      INTEGER NOT NULL,
    listener TEXT    NOT NULL,
    PRIMARY KEY (run, seq, listener),
    FOREIGN KEY (run, seq) REFERENCES steps (run, seq)
) STRICT, WITHOUT ROWID;
"""

_TABLES = _RUNS + _STEPS + _REST

# The words after `fsm:` say which rule was broken; `rejection` in relational/inserts.py reads them.
# The deadline in `steps_move` is the rule of `deadline_of` in fsm/journal/deadlines.py.
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
    _execute(connection, _TABLES + _RULES)
    _stamp(connection)


def upgrade(connection: sqlite3.Connection, version: int) -> None:
    """Bring a journal of an earlier *version* up to ours, within the caller's transaction.

    Raises:
        JournalError: It has names that are longer than our schema allows.
    """
    _check_lengths(connection, version)
    if version == 1:
        _execute(connection, _FROM_1)
        for (run,) in connection.execute("SELECT id FROM runs").fetchall():
            _complete(connection, run)
    else:
        _execute(connection, _from_2_or_3(version))
    _execute(connection, _RULES)
    _stamp(connection)


def _check_lengths(connection: sqlite3.Connection, version: int) -> None:
    tables = ["steps"] if version == 1 else ["steps", "edges", "late"]
    columns = [(table, name) for table in tables for name in ("event", "source", "dest")]
    if version > 1:
        columns += [("runs", "kind"), ("edges", "kind")]
    longest = " UNION ALL ".join(
        f"SELECT '{table}.{name}', {name} FROM {table} WHERE length({name}) > {MAX_LENGTH}"
        for table, name in columns
    )
    for column, name in connection.execute(f"{longest} LIMIT 1"):
        raise JournalError(
            f"{column} has the name {name[:60]!r}... of {len(name)} characters; names of kinds, "
            f"states and events have {MAX_LENGTH} at most; read it with the release that wrote it"
        )


# Version 1 had the steps alone, and knew nothing of classes: the kind of its runs is "".
_FROM_1 = f"""
ALTER TABLE steps RENAME TO steps_of_1;
{_TABLES}
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
_HISTORY = f"SELECT {', '.join(Record._fields)} FROM steps WHERE run = :run ORDER BY seq"
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
    """Add to a run and its last step what version 1 did not know."""
    records = [Record(*row) for row in connection.execute(_HISTORY, {"run": run})]
    last = records[-1]
    try:
        first, state = next(read_steps(records[:1])), loads(last.payload)
    except (StateError, CorruptJournal):  # of a class that is not known here: it is never due
        return
    values = {
        "run": run,
        "phase": phase_of(state),
        "due": due_of(state, last.micros),
        "deadline": _deadline(records, timeout_of(first)),
    }
    connection.execute(_COMPLETE_STEP, values)
    connection.execute(_COMPLETE_RUN, Insert(first, None).run_row() | values)


def _deadline(records: list[Record], timeout: float | None) -> int | None:
    try:
        return deadline_of(list(read_steps(records)), timeout)
    except (StateError, CorruptJournal):  # a state before the last is of an unknown class
        return None


# Version 2 had no refusals. Both 2 and 3 had no bound for names, and earlier names of our kinds.
# SQLite adds no constraints to a table that exists: all rows are copied to new tables.
_TABLE_NAMES = ("runs", "steps", "edges", "late", "refusals", "outbox")
_INDEX_NAMES = re.findall(r"CREATE (?:UNIQUE )?INDEX (\w+)", _TABLES)
_COPIES = {
    "runs": f"""
        INSERT INTO runs
        SELECT id, {CURRENT_KIND}, state, phase, version, epoch, owner, lease, due, deadline,
               timeout, retries, parent, child, began, moved
        FROM old_runs;
    """,
    "edges": f"""
        INSERT OR IGNORE INTO edges SELECT {CURRENT_KIND}, source, event, dest FROM old_edges;
    """,
    "refusals": f"""
        INSERT INTO refusals SELECT * FROM old_refusals
        WHERE length(event) {_NAME} AND length(state) {_NAME};
    """,
}


def _from_2_or_3(version: int) -> str:
    tables = [name for name in _TABLE_NAMES if name != "refusals" or version == 3]
    steps = [
        *(f"DROP TRIGGER IF EXISTS {rule};" for rule in RULES),
        *(f"DROP INDEX IF EXISTS {index};" for index in _INDEX_NAMES),
        *(f"ALTER TABLE {table} RENAME TO old_{table};" for table in tables),
        _TABLES,
        *(
            _COPIES.get(table, f"INSERT INTO {table} SELECT * FROM old_{table};")
            for table in tables
        ),
        *(f"DROP TABLE old_{table};" for table in reversed(tables)),
    ]
    return "\n".join(steps)


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


def _rule(statement: str) -> tuple[str, str]:
    """The name of a trigger, and its text as SQLite keeps it."""
    created = re.match(r"CREATE TRIGGER (\w+)", statement)
    assert created is not None, "rules are triggers"
    return created[1], statement.rstrip(";")


RULES = dict(_rule(statement.strip()) for statement in _statements(_RULES))
