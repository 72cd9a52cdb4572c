"""Hostile strings that another program has written into a journal, as JSON, text and HTML."""

from __future__ import annotations

import json
import sqlite3
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from fsm import TaskRun, open_journal
from fsm.cli import main
from fsm.web import report

from ...hostile import STRINGS

# Texts that SQLite can store, and that do not take minutes to list.
TEXTS = [
    text
    for text in STRINGS
    if 0 < len(text) < 5_000 and text.replace("\x00", "").encode(errors="ignore").decode() == text
]


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A journal of thousands of runs, in which every text is hostile."""
    path = str(tmp_path_factory.mktemp("hostile") / "runs.db")
    kept = open_journal(path)
    TaskRun("one of ours", journal=kept).start()
    kept.close()
    write(path)
    return path


def write(path: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA ignore_check_constraints = ON")
    rules = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    with connection:
        for (name,) in rules:
            connection.execute(f"DROP TRIGGER {name}")
        connection.executemany(
            "INSERT INTO runs (id, kind, state, phase, version, began, moved) "
            "SELECT ?, ?, ?, phase, 1, began, moved FROM runs WHERE id = 'one of ours'",
            [(text, TEXTS[place % 50], text) for place, text in enumerate(TEXTS)],
        )
        connection.executemany(
            "INSERT INTO steps (run, seq, event, source, dest, micros, payload, origin, phase) "
            "SELECT ?, 1, ?, ?, ?, micros, ?, origin, phase FROM steps WHERE run = 'one of ours'",
            [(text, text, text, text, json.dumps({"message": text})) for text in TEXTS],
        )
    connection.close()


def fsm(*args: str) -> str:
    result = CliRunner().invoke(main, args, prog_name="fsm")
    assert result.exit_code == 0, result.output
    return result.stdout


def test_json_returns_each_text_unchanged(journal: str) -> None:
    written = fsm("runs", "--journal", journal, "--json")

    assert written.isascii()
    assert all(line.isprintable() for line in written.split("\n"))
    assert {run["run"] for run in json.loads(written)} == {"one of ours", *TEXTS}
    assert {run["state"] for run in json.loads(written)} == {"Running", *TEXTS}


def test_a_list_has_one_line_for_each_run(journal: str) -> None:
    lines = fsm("runs", "--journal", journal).removesuffix("\n").split("\n")

    assert len(lines) == 2 + len(TEXTS)
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("form", ["text", "svg", "mermaid", "json"])
def test_a_timeline_is_printable(journal: str, form: str) -> None:
    lines = fsm("timeline", "--journal", journal, "--format", form).split("\n")

    assert all(line.isprintable() for line in lines)


def test_each_text_of_a_report_is_data(journal: str, tmp_path: Path) -> None:
    usual = open_journal(str(tmp_path / "usual.db"))
    TaskRun("one of ours", journal=usual).start()
    hostile = open_journal(journal)

    elements = Elements(report(hostile, TaskRun)).found

    assert elements == Elements(report(usual, TaskRun)).found
    usual.close()
    hostile.close()


class Elements(HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))
