"""`fsm history`: the steps of one run as recorded. Its classes are not imported."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.text import Text

from fsm.cli.options import journal_option, open_for_run
from fsm.cli.printing import WIDE, Column, Row, as_time, console, json_option, put_json, put_table
from fsm.cli.suggestions import run_ids
from fsm.errors import CorruptJournal
from fsm.journal.records import Record
from fsm.states import moment
from fsm.tasks.policy import Policy
from fsm.text import escape

__all__ = ["history"]

_DAY = len("2020-01-01")
_COLUMNS = (
    Column("SEQ", right=True),
    Column("TIME (UTC)"),
    Column("EVENT"),
    Column("STEP", folds=True),
    Column("MESSAGE", folds=True),
)


@click.command(
    help="""Show the steps of RUN, oldest first.

    Its policy follows, if it differs from the default. In JSON each step has seq, at, event,
    source, dest, message and payload.
    """,
    epilog="\b\nExamples:\n  fsm history load-7 --journal runs.db\n"
    "  fsm history load-7 --journal runs.db --json | jq '.steps[-1].payload'",
)
@click.argument("run", shell_complete=run_ids)
@journal_option()
@json_option("run", "state", "settings", "policy", "began", "steps")
def history(run: str, url: str, as_json: bool) -> None:
    with open_for_run(url, run) as journal:
        records = list(journal.records(run))
    payloads = [_payload(record, record.payload) for record in records]
    if as_json:
        put_json(_as_data(run, records, payloads))
    else:
        _put(run, records, payloads)


def _payload(record: Record, text: str | None) -> dict[str, Any]:
    try:
        payload = json.loads(text or "null")
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        raise CorruptJournal(f"run {record.run!r}, step {record.seq} has no readable payload")
    return payload


def _as_data(
    run: str, records: Sequence[Record], payloads: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    began = _payload(records[0], records[0].origin)
    return {
        "run": run,
        "state": records[-1].dest,
        "settings": began.get("settings"),
        "policy": _policy(began),
        "began": began.get("source"),
        "steps": [
            {
                "seq": record.seq,
                "at": moment.format(moment.from_micros(record.micros)),
                "event": record.event,
                "source": record.source,
                "dest": record.dest,
                "message": payload.get("message"),
                "payload": payload,
            }
            for record, payload in zip(records, payloads, strict=True)
        ],
    }


def _put(run: str, records: Sequence[Record], payloads: Sequence[dict[str, Any]]) -> None:
    screen = console()
    roomy = not screen.is_terminal or screen.width >= WIDE
    times = [as_time(record.micros, millis=roomy) for record in records]
    days = {time[:_DAY] for time in times}
    if screen.is_terminal:
        count = f"{len(records)} step{'s' * (len(records) != 1)}"
        where = f"  {escape(records[-1].dest)} after {count}, {min(days)}"
        title = where if len(days) == 1 else f"{where} to {max(days)}"
        screen.print(Text.assemble((escape(run), "bold"), title), end="\n\n")
    if not roomy and len(days) == 1:  # the title shows the day
        times = [time[_DAY + 1 :] for time in times]
    rows = [
        _row(record, time, payload.get("message"))
        for record, time, payload in zip(records, times, payloads, strict=True)
    ]
    put_table(screen, _COLUMNS, rows)
    try:
        policy = _policy(_payload(records[0], records[0].origin))
    except CorruptJournal:  # the steps can be shown without it
        return
    if policy:
        words = " ".join(f"{word}={_format(value)}" for word, value in policy.items())
        screen.print(Text(f"policy: {escape(words)}"), soft_wrap=True)


def _policy(began: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the run's policy that differ from the default policy."""
    settings = began.get("settings")
    policy = settings.get("policy") if isinstance(settings, dict) else None
    if not isinstance(policy, dict):
        return {}
    default = Policy().settings()["policy"]
    return {word: each for word, each in policy.items() if each not in (None, default.get(word))}


def _format(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _row(record: Record, time: str, message: object) -> Row:
    cells = (
        str(record.seq),
        time,
        record.event,
        f"{record.source} → {record.dest}",
        "" if message is None else str(message),
    )
    return Row(record.dest, cells)
