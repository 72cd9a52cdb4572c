"""Statements: the SQL that both databases understand, with named parameters.

`{message}` and `{names}` stand for how a database reads JSON, `{locked}` for how it picks rows
while others pick too, `{which}` and `{among}` for optional conditions.
"""

from __future__ import annotations

import re
from typing import Any

import attrs

from fsm.journal.queries import RunFilter
from fsm.journal.records import LateResult, Record, Summary
from fsm.lifecycle.refusal import Refusal

__all__ = [
    "CHILDREN",
    "EDGES",
    "INSERT_EDGE",
    "INSERT_LATE",
    "INSERT_OUTBOX",
    "INSERT_REFUSAL",
    "INSERT_RUN",
    "INSERT_STEP",
    "LATE_RESULTS",
    "MARK_DELIVERED",
    "ORPHANS",
    "OUTBOX",
    "PAGE",
    "REFUSALS",
    "RELEASE",
    "RENEW",
    "REVOKE",
    "RUN",
    "STEP",
    "STEPS",
    "TRAFFIC",
    "claim",
    "for_kinds",
    "for_run",
    "insert",
    "positional",
    "summaries",
]

PAGE = 500  # rows read at a time


def insert(table: str, columns: tuple[str, ...]) -> str:
    """Insert one row; each column is a parameter of its name."""
    places = ", ".join(f":{column}" for column in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"


def positional(statement: str) -> str:
    """Replace each parameter by `?`, for rows in the order of the columns."""
    return re.sub(r":\w+", "?", statement)


INSERT_STEP = insert("steps", Record._fields)
INSERT_LATE = insert("late", LateResult._fields)
INSERT_RUN = insert(
    "runs",
    (
        "id", "kind", "state", "phase", "version", "timeout", "retries", "parent", "child",
        "began", "moved",
    ),
)  # fmt: skip
_REFUSED = Refusal._fields[:-1]  # not `times`: each process counts its own
INSERT_REFUSAL = f"""{insert("refusals", _REFUSED)}
ON CONFLICT (run, seq, event) DO UPDATE SET
    state = excluded.state, micros = excluded.micros, reason = excluded.reason,
    who = excluded.who
"""
INSERT_OUTBOX = insert("outbox", ("run", "seq", "listener"))
INSERT_EDGE = f"{insert('edges', ('kind', 'source', 'event', 'dest'))} ON CONFLICT DO NOTHING"

_COLUMNS = ", ".join(Record._fields)
STEPS = f"SELECT {_COLUMNS} FROM steps WHERE run = :run AND seq > :after ORDER BY seq LIMIT {PAGE}"
# The payload of a child whose state is among the names is not looked up. The others are looked up
# one by one: a planner that has no statistics yet might join all rows.
CHILDREN = f"""
SELECT child, state, CASE WHEN state NOT IN ({{names}})
    THEN (SELECT payload FROM steps WHERE run = id AND seq = version) END
FROM (
    SELECT id, child, state, version FROM runs
    WHERE parent = :run AND child > :after ORDER BY child LIMIT {PAGE}
) AS page
ORDER BY child
"""
STEP = f"SELECT {_COLUMNS} FROM steps WHERE run = :run AND seq = :seq"

# The rows are picked first and once: no plan can pick more than the limit.
_CLAIM = """
WITH picked AS MATERIALIZED (
    SELECT id FROM runs
    WHERE phase = 'waiting' AND coalesce(deadline, due) <= :now
      AND (lease IS NULL OR lease <= :now) {among}
    ORDER BY coalesce(deadline, due), id LIMIT :limit {locked}
)
UPDATE runs SET epoch = epoch + 1, owner = :owner, lease = :until
WHERE id IN (SELECT id FROM picked)
RETURNING id, epoch, due
"""
_CLAIM_ONE = """
UPDATE runs SET epoch = epoch + 1, owner = :owner, lease = :until
WHERE id = :run AND (lease IS NULL OR lease <= :now) {among}
RETURNING id, epoch, due
"""
RENEW = """
UPDATE runs SET lease = :until WHERE id = :run AND epoch = :epoch AND lease IS NOT NULL
RETURNING id
"""
# The epoch goes on: the worker that released the claim cannot write under it any more.
RELEASE = """
UPDATE runs SET epoch = epoch + 1, owner = NULL, lease = NULL
WHERE id = :run AND epoch = :epoch AND lease IS NOT NULL
RETURNING id
"""
# The epoch stays: if the worker lives after all, it may go on until another one claims the run.
REVOKE = """
UPDATE runs SET lease = CASE WHEN lease < :now THEN lease ELSE :now END
WHERE id = :run AND owner = :owner
RETURNING id
"""

RUN = "SELECT owner, epoch, kind FROM runs WHERE id = :run"
EDGES = "SELECT DISTINCT source, event, dest FROM edges WHERE kind IN ({names})"
ORPHANS = "SELECT DISTINCT run FROM steps WHERE run NOT IN (SELECT id FROM runs) ORDER BY run"
LATE_RESULTS = f"SELECT {', '.join(LateResult._fields)} FROM late {{which}} ORDER BY id"
# By edge. A stay ends with the next step; a clock may have been set back meanwhile.
TRAFFIC = """
SELECT source, event, dest, count(*),
       sum(CASE WHEN gone IS NULL THEN 1 ELSE 0 END),
       min(CASE WHEN gone IS NULL THEN micros END),
       count(gone),
       coalesce(sum(CASE WHEN gone > micros THEN gone - micros ELSE 0 END), 0)
FROM (
    SELECT source, event, dest, micros,
           lead(micros) OVER (PARTITION BY run ORDER BY seq) AS gone
    FROM steps JOIN runs ON runs.id = steps.run
    {among}
) AS passages
GROUP BY source, event, dest
"""
REFUSALS = f"""
SELECT {", ".join(_REFUSED)} FROM refusals
{{which}} ORDER BY micros, run, seq, event
"""
OUTBOX = "SELECT run, seq, listener FROM outbox ORDER BY run, seq, listener"
MARK_DELIVERED = "DELETE FROM outbox WHERE run = :run AND seq = :seq AND listener = :listener"


def for_run(statement: str, run: str | None) -> str:
    """Narrow *statement* to one run, with an index; all runs if None."""
    return statement.replace("{which}", "" if run is None else "WHERE run = :run")


def for_kinds(statement: str, kinds: bool) -> str:
    """Narrow *statement* to runs of some kinds, the parameter `names`; all runs if not."""
    return statement.replace("{among}", "WHERE kind IN ({names})" if kinds else "")


def claim(one: bool, kinds: bool) -> str:
    """Claim one run, or those that are due; runs of some kinds, the parameter `names`, or all."""
    statement = _CLAIM_ONE if one else _CLAIM
    return statement.replace("{among}", "AND kind IN ({names})" if kinds else "")


_SUMMARY = """
SELECT runs.id, runs.state, {message}, runs.version, runs.began, runs.moved, runs.kind, runs.phase,
       runs.due, runs.deadline, runs.epoch, runs.owner, runs.lease, runs.parent, runs.child
FROM runs LEFT JOIN steps ON steps.run = runs.id AND steps.seq = runs.version
WHERE
"""
_CONDITIONS = {
    "run": "runs.id = :run",
    "state": "runs.state = :state",
    "owner": "runs.owner = :owner",
    "parent": "runs.parent = :parent",
    "moved_before": "runs.moved < :moved_before",
    "waking_by": "coalesce(runs.deadline, runs.due) <= :waking_by",
    "lapsed_by": "runs.lease <= :lapsed_by",
    # Retries left, by their events: yes wherever fsm/tasks/attempts.py counts one left.
    "unfinished": """
        runs.phase <> 'finished' AND (
            runs.phase <> 'failed' OR runs.retries > (
                SELECT count(*) FROM steps AS tries
                WHERE tries.run = runs.id AND tries.event = 'retry'
            )
        )
    """,
}


_ORDERS = {
    "parent": ("runs.child", "child"),
    "waking_by": ("coalesce(runs.deadline, runs.due)", "wakes"),
}
_BY_AGE = ("runs.began", "began")


def summaries(
    wanted: RunFilter, message: str, last: Summary | None = None
) -> tuple[str, dict[str, Any]]:
    """Read one page of the runs *wanted*, and its parameters.

    Args:
        message: How the database reads the message in a payload.
        last: The last summary of the page before; None for the first page.
    """
    given: dict[str, Any] = {
        name: value for name, value in attrs.asdict(wanted).items() if value is not None
    }
    conditions = [_CONDITIONS[name] for name in given]
    first, attribute = next((_ORDERS[name] for name in given if name in _ORDERS), _BY_AGE)
    given.pop("unfinished", None)
    if last is not None:
        conditions.append(f"({first}, runs.id) > (:last_first, :last_id)")
        given |= {"last_first": getattr(last, attribute), "last_id": last.run}
    text = _SUMMARY.replace("{message}", message) + (" AND ".join(conditions) or "1 = 1")
    return f"{text} ORDER BY {first}, runs.id LIMIT {PAGE}", given
