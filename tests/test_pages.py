"""What the code prints is what a reviewer has approved, in tests/pages."""

from __future__ import annotations

from pathlib import Path

from fsm import TaskRun

PAGES = Path(__file__).parent / "pages"

APPROVE = """the table has changed; read the difference, and if it is intended, approve it:
    python -c "from fsm import TaskRun; print(TaskRun.lifecycle.matrix(), end='')" > {page}"""


def test_the_matrix_of_a_task_run_is_the_approved_one() -> None:
    page = PAGES / "task_run.txt"
    approved, printed = page.read_text("utf-8"), TaskRun.lifecycle.matrix()

    if printed != approved:
        print(APPROVE.format(page=f"tests/pages/{page.name}"))
    assert printed.splitlines() == approved.splitlines()
