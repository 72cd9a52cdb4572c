"""Schema: the tables and rules of a journal in PostgreSQL. They say what `sqlite.schema` says."""

from __future__ import annotations

import re

from fsm.ids import MAX_LENGTH
from fsm.journal.phase import PHASES
from fsm.journal.relational.kinds import CURRENT_KIND, RENAMED_KINDS

__all__ = ["FROM_1", "FROM_2", "NAMESPACE", "RULES", "SCHEMA", "VERSION"]

NAMESPACE = "runstates"  # the schema, as PostgreSQL says, that holds our tables
VERSION = 3

_PHASES = ", ".join(f"'{phase}'" for phase in PHASES)
_NAME = f"<= {MAX_LENGTH}"  # characters
_TIME = "BETWEEN -62135596800000000 AND 253402300799999999"  # microseconds: the years 1 to 9999

_REFUSALS = f"""
CREATE TABLE refusals (
    run    TEXT   COLLATE "C" REFERENCES runs (id),
    seq    BIGINT CHECK (seq >= 0),
    event  TEXT   COLLATE "C" CHECK (length(event) {_NAME}),
    state  TEXT   NOT NULL CHECK (length(state) {_NAME}),
    micros BIGINT NOT NULL CHECK (micros {_TIME}),
    reason TEXT   NOT NULL,
    who    TEXT,
    PRIMARY KEY (run, seq, event)
);
"""

# Names sort by their characters, as everywhere else in the project: COLLATE "C".
_TABLES = f"""
CREATE TABLE journal (version INTEGER NOT NULL);

INSERT INTO journal VALUES ({VERSION});

CREATE TABLE runs (
    id       TEXT    COLLATE "C" PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 200),
    kind     TEXT    NOT NULL CHECK (length(kind) {_NAME}),
    state    TEXT    NOT NULL CHECK (length(state) {_NAME}),
    phase    TEXT    NOT NULL CHECK (phase IN ({_PHASES})),
    version  BIGINT  NOT NULL CHECK (version >= 0),
    epoch    BIGINT  NOT NULL DEFAULT 0 CHECK (epoch >= 0),
    owner    TEXT,
    lease    BIGINT  CHECK (lease {_TIME}),
    due      BIGINT  CHECK (due {_TIME}),
    deadline BIGINT  CHECK (deadline {_TIME}),
    timeout  BIGINT  CHECK (timeout >= 0),
    retries  BIGINT  NOT NULL DEFAULT 0 CHECK (retries >= 0),
    parent   TEXT    COLLATE "C",
    child    BIGINT  CHECK (child >= 0),
    began    BIGINT  NOT NULL CHECK (began {_TIME}),
    moved    BIGINT  NOT NULL CHECK (moved {_TIME}),
    CHECK ((owner IS NULL) = (lease IS NULL)),
    CHECK ((parent IS NULL) = (child IS NULL))
);

CREATE INDEX runs_began    ON runs (began, id);
CREATE INDEX runs_open     ON runs (began, id) WHERE phase <> 'finished';
CREATE INDEX runs_wakes    ON runs (coalesce(deadline, due), id);
CREATE INDEX runs_lease    ON runs (lease) WHERE lease IS NOT NULL;
CREATE INDEX runs_children ON runs (parent, child) WHERE parent IS NOT NULL;

CREATE TABLE steps (
    run     TEXT    COLLATE "C" REFERENCES runs (id),
    seq     BIGINT  CHECK (seq >= 1),
    event   TEXT    NOT NULL CHECK (length(event) {_NAME}),
    source  TEXT    NOT NULL CHECK (length(source) {_NAME}),
    dest    TEXT    NOT NULL CHECK (length(dest) {_NAME}),
    micros  BIGINT  NOT NULL CHECK (micros {_TIME}),
    payload TEXT    NOT NULL CHECK (payload::json IS NOT NULL),
    origin  TEXT    CHECK (origin IS NULL OR origin::json IS NOT NULL),
    phase   TEXT    NOT NULL CHECK (phase IN ({_PHASES})),
    due     BIGINT  CHECK (due {_TIME}),
    epoch   BIGINT  CHECK (epoch >= 1),
    key     TEXT    CHECK (length(key) BETWEEN 1 AND 200),
    children BIGINT CHECK (children >= 1),
    nonce   TEXT,  -- of the attempt to write it, to know it again after a lost answer
    PRIMARY KEY (run, seq),
    CHECK ((seq = 1) = (origin IS NOT NULL))
);

CREATE UNIQUE INDEX steps_key ON steps (run, key) WHERE key IS NOT NULL;

CREATE TABLE edges (
    kind   TEXT CHECK (length(kind) {_NAME}),
    source TEXT CHECK (length(source) {_NAME}),
    event  TEXT CHECK (length(event) {_NAME}),
    dest   TEXT CHECK (length(dest) {_NAME}),
    PRIMARY KEY (kind, source, event, dest)
);

CREATE TABLE late (
    id      BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run     TEXT    NOT NULL REFERENCES runs (id),
    seq     BIGINT  NOT NULL,
    event   TEXT    NOT NULL CHECK (length(event) {_NAME}),
    source  TEXT    NOT NULL CHECK (length(source) {_NAME}),
    dest    TEXT    NOT NULL CHECK (length(dest) {_NAME}),
    micros  BIGINT  NOT NULL CHECK (micros {_TIME}),
    payload TEXT    NOT NULL CHECK (payload::json IS NOT NULL),
    epoch   BIGINT,
    owner   TEXT,
    reason  TEXT    NOT NULL
);

CREATE INDEX late_run ON late (run);

{_REFUSALS}
CREATE TABLE outbox (
    run      TEXT   COLLATE "C",
    seq      BIGINT,
    listener TEXT   COLLATE "C",
    PRIMARY KEY (run, seq, listener),
    FOREIGN KEY (run, seq) REFERENCES steps (run, seq)
);
"""

# `refuse` raises what a broken constraint raises. The row of the run is locked first: of two
# writers, the second sees what the first has done. The deadline in `steps_move` is the rule of
# `deadline_of` in fsm/journal/deadlines.py.
_RULES = """
CREATE FUNCTION refuse(reason TEXT) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING
        MESSAGE = 'fsm: ' || reason, ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE FUNCTION steps_obey() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE stands runs;
BEGIN
    SELECT * INTO stands FROM runs WHERE id = NEW.run FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM refuse('unknown run');
    ELSIF stands.version <> NEW.seq - 1 OR stands.state <> NEW.source THEN
        PERFORM refuse('stale');
    ELSIF NEW.epoch <> stands.epoch THEN
        PERFORM refuse('fenced');
    ELSIF stands.kind <> '' AND NOT EXISTS (
        SELECT 1 FROM edges
        WHERE kind = stands.kind AND source = NEW.source AND event = NEW.event
          AND dest = NEW.dest
    ) THEN
        PERFORM refuse('no such edge');
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER steps_obey BEFORE INSERT ON steps FOR EACH ROW EXECUTE FUNCTION steps_obey();

CREATE FUNCTION steps_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE runs SET
        version = NEW.seq, state = NEW.dest, phase = NEW.phase, moved = NEW.micros, due = NEW.due,
        deadline = CASE
            WHEN NEW.phase <> 'running' THEN NULL
            WHEN phase = 'running' THEN deadline
            WHEN timeout IS NOT NULL THEN least(NEW.micros + timeout, 253402300799999999)
        END
    WHERE id = NEW.run;
    RETURN NULL;
END $$;

CREATE TRIGGER steps_move AFTER INSERT ON steps FOR EACH ROW EXECUTE FUNCTION steps_move();

CREATE FUNCTION steps_stand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refuse('a step is never changed or removed');
    RETURN NULL;
END $$;

CREATE TRIGGER steps_stand BEFORE UPDATE OR DELETE ON steps
    FOR EACH ROW EXECUTE FUNCTION steps_stand();

CREATE TRIGGER steps_stay BEFORE TRUNCATE ON steps
    FOR EACH STATEMENT EXECUTE FUNCTION steps_stand();

CREATE FUNCTION runs_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM refuse('a run is never removed');
    ELSIF TG_OP = 'INSERT' THEN
        IF NEW.version <> 0 THEN
            PERFORM refuse('a run begins without steps');
        END IF;
    ELSIF NEW.epoch < OLD.epoch THEN
        PERFORM refuse('an epoch never goes back');
    ELSIF NEW.id <> OLD.id OR NEW.kind <> OLD.kind OR (
        (NEW.version <> OLD.version OR NEW.state <> OLD.state) AND NOT EXISTS (
            SELECT 1 FROM steps WHERE run = NEW.id AND seq = NEW.version AND dest = NEW.state
        )
    ) THEN
        PERFORM refuse('a run is what its steps say');
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER runs_follow BEFORE INSERT OR UPDATE OR DELETE ON runs
    FOR EACH ROW EXECUTE FUNCTION runs_follow();
"""

SCHEMA = _TABLES + _RULES
RULES = frozenset(re.findall(r"CREATE TRIGGER (\w+)", _RULES))

_BOUNDED = {
    "runs": ("kind", "state"),
    "steps": ("event", "source", "dest"),
    "edges": ("kind", "source", "event", "dest"),
    "late": ("event", "source", "dest"),
    "refusals": ("event", "state"),
}
_BOUNDS = "".join(
    f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {table}_{column}_check,"
    f" ADD CONSTRAINT {table}_{column}_check CHECK (length({column}) {_NAME});\n"
    for table, columns in _BOUNDED.items()
    for column in columns
)
_OLD_KINDS = ", ".join(f"'{kind}'" for kind in RENAMED_KINDS)

# Version 1 had no refusals.
FROM_1 = _REFUSALS
# Version 2 had no bound for names, and earlier names of our kinds. `runs_follow` lets no kind
# change, so it is off meanwhile: the transaction holds a lock on the table.
FROM_2 = f"""
ALTER TABLE runs DISABLE TRIGGER runs_follow;
UPDATE runs SET kind = {CURRENT_KIND} WHERE kind IN ({_OLD_KINDS});
ALTER TABLE runs ENABLE TRIGGER runs_follow;
INSERT INTO edges SELECT {CURRENT_KIND}, source, event, dest FROM edges
WHERE kind IN ({_OLD_KINDS}) ON CONFLICT DO NOTHING;
DELETE FROM edges WHERE kind IN ({_OLD_KINDS});
DELETE FROM refusals WHERE length(event) > {MAX_LENGTH} OR length(state) > {MAX_LENGTH};
{_BOUNDS}
UPDATE journal SET version = {VERSION};
"""
