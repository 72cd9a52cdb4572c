"""The code in README.md and docs/ runs, and what is printed there is what the code prints."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import pytest

from fsm import Event, TaskRun
from fsm.diagrams import mermaid
from fsm.lifecycle.guard import label

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [README, *sorted(ROOT.glob("docs/*.md"))]
TEXTS = [*PAGES, *(ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"))]
TESTED = {
    "README.md", "docs/journals.md", "docs/lifecycle.md", "docs/listening.md", "docs/pictures.md",
    "docs/tasks.md", "docs/workers.md", "docs/your-own-lifecycle.md",
}  # fmt: skip
FIELD_TERMS = {
    "README.md": ["state machine", "event sourcing", "fencing token", "durable execution"],
    "docs/journals.md": ["append-only log", "idempotency key", "transactional outbox"],
    "docs/workers.md": ["fencing token", "at-least-once", "heartbeats"],
    "docs/your-own-lifecycle.md": ["internal transition"],
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def between(text: str, name: str) -> str:
    block = re.search(rf"<!-- {name}:.*?-->\n(.*?)<!-- /{name} -->", text, re.S)
    assert block, f"there is no block called {name}"
    return block.group(1).strip()


def without_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.S)


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_the_code_of_a_page_runs(path: Path) -> None:
    blocks = "\n".join(re.findall(r"```python\n(.*?)```", path.read_text("utf-8"), re.S))
    examples = doctest.DocTestParser().get_doctest(blocks, {}, path.name, str(path), 0)
    report: list[str] = []

    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(examples, out=report.append)

    assert "".join(report) == ""
    assert bool(runner.summarize(verbose=False).attempted) == (name_of(path) in TESTED)


def test_the_readme_is_short() -> None:
    assert len(read("README.md").split()) <= 900


@pytest.mark.parametrize("name", FIELD_TERMS)
def test_a_page_names_the_terms_that_people_search_for(name: str) -> None:
    assert [term for term in FIELD_TERMS[name] if term not in read(name)] == []


def test_the_ways_out_of_finished_states_are_complete() -> None:
    rows = dict.fromkeys(
        f"- `{edge.source.__name__}` → `{edge.dest.__name__}` by `{edge.event}`"
        for edge in TaskRun.lifecycle.edges
        if edge.source().is_finished()
    )

    assert between(read("docs/lifecycle.md"), "exits") == "\n".join(rows)


def test_the_guards_of_task_run_are_complete() -> None:
    events = [each for each in vars(TaskRun).values() if isinstance(each, Event)]
    rows = [row for event in events for row in event.rows]
    guards = {label(guard) for row in rows for guard in (*row.conditions, *row.unless)}

    section = read("docs/lifecycle.md").split("## Guards")[1]
    assert set(re.findall(r"^\| ([a-z ]+) \| `", section, re.M)) == guards


def test_the_lifecycle_in_text_is_the_one_the_code_draws() -> None:
    drawn = f"```mermaid\n{mermaid(TaskRun).strip()}\n```"

    assert between(read("docs/lifecycle.md"), "lifecycle") == drawn


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_links_lead_to_files_and_headings_that_exist(path: Path) -> None:
    text = without_code(path.read_text("utf-8"))
    targets = re.findall(r"\]\(([^)\s]+)\)|\bsrc(?:set)?=\"([^\"]+)\"", text)
    broken = []
    for target in map("".join, targets):
        if target.startswith(("https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        page = path.parent / name if name else path
        if not page.exists():
            broken.append(target)
        elif anchor:
            headings = re.findall(r"^#+ (.*)$", without_code(page.read_text("utf-8")), re.M)
            if anchor not in map(slug, headings):
                broken.append(target)

    assert broken == []


@pytest.mark.parametrize("path", sorted(ROOT.glob("docs/*.md")), ids=name_of)
def test_each_page_is_reached_from_the_readme_or_a_page_of_it(path: Path) -> None:
    texts = [read("README.md"), *(read(name) for name in sorted(TESTED - {"README.md"}))]

    assert any(path.name in text for text in texts)


def test_packages_that_are_called_public_say_what_is_public() -> None:
    section = read("docs/versioning.md").split("## What is public")[1].split("Not public:")[0]
    names = re.findall(r"`((?:fsm|states)(?:\.[a-z]+)?)`", section)
    without = [name for name in names if not getattr(importlib.import_module(name), "__all__", ())]

    assert len(names) > 10
    assert without == []


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_a_line_holds_one_sentence(path: Path) -> None:
    prose = [
        line
        for line in without_code(path.read_text("utf-8")).splitlines()
        if line and line[0] not in "|-#<!` " and not line[0].isdigit()
    ]

    assert [line for line in prose if re.search(r"[a-z`)][.!?] [A-Z]", line)] == []
