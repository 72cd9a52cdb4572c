"""The live page and the report: what they show, and which requests are refused."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from fsm import MemoryJournal, TaskRun, open_journal
from fsm.errors import InvalidArgument, JournalError, TransitionError, UnknownRun
from fsm.journal import Claim, Journal, Summary
from fsm.testing import HandClock
from fsm.web import Server, Source, Watch, report
from fsm.web.actions import act
from fsm.web.classes import KnownClasses
from fsm.web.security import HEADERS, AccessPolicy
from fsm.web.views import Query, history, overview, run_list

HOSTILE = (
    "<img src=x onerror=\"document.title='pwned'\">",
    "</script><script>document.title='pwned'</script>",
    '"><svg onload="document.title=1">',
    "<!-- <script>",
    "{{7*7}}${7*7}",
    "'><b>",
)

Ask = Callable[..., "tuple[int, http.client.HTTPMessage, Any]"]


@contextmanager
def opened(path: Path) -> Iterator[Journal]:
    with closing(open_journal(path, make=False)) as journal:
        yield journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of a failed, a paused, a running and some hostile runs."""
    path, clock = tmp_path / "runs.db", HandClock()
    with open_journal(path) as kept:
        failed = TaskRun("etl/load", journal=kept, clock=clock, max_retries=1)
        failed.start()
        clock.advance(seconds=1)
        failed.fail(result=2**60)
        TaskRun("deploy", journal=kept, clock=clock).pause()
        TaskRun("etl/report", journal=kept, clock=clock).start()
        for text in HOSTILE:
            TaskRun(text, journal=kept, clock=clock).start(message=f"{text}\n\u202egnp.exe")
    return path


@pytest.fixture
def server(path: Path) -> Iterator[Server]:
    with Server(partial(opened, path), TaskRun, port=0, period=0.05) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        server.watch.look()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def ask(server: Server) -> Ask:
    """Ask the server as a browser does, with the headers given on top."""

    def ask(method: str, target: str, body: object = None, **headers: str | None) -> Any:
        given: dict[str, str | None] = {"Host": f"127.0.0.1:{server.server_port}"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body)
        if data is not None:
            given = {"Content-Type": "application/json"} | given
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
        with closing(connection):
            connection.request(method, target, data, {k: v for k, v in given.items() if v})
            answer = connection.getresponse()
            text = answer.read().decode()
        found = json.loads(text) if answer.headers.get_content_type().endswith("json") else text
        return answer.status, answer.headers, found

    return ask


def acted(server: Server, ask: Ask, action: str, run: str, **headers: str | None) -> Any:
    given: dict[str, str | None] = {"X_FSM_Token": server.access.token}
    body = {"action": action, "run": run, "by": "ada"}
    return ask("POST", "/api/act", body, **given | headers)


# Who may come in.


@pytest.mark.parametrize("target", ["/", "/page.js", "/page.css", "/api/overview", "/nothing"])
def test_every_answer_keeps_other_origins_out(target: str, ask: Ask) -> None:
    _, headers, _ = ask("GET", target)

    assert {name: headers[name] for name in HEADERS} == HEADERS
    assert "Access-Control-Allow-Origin" not in headers
    assert "unsafe" not in headers["Content-Security-Policy"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:1", "127.0.0.1.evil.example", ""])
@pytest.mark.parametrize("target", ["/", "/api/runs", "/api/events"])
def test_another_name_leads_nowhere(target: str, host: str, ask: Ask) -> None:
    assert ask("GET", target, Host=host or "x")[0] == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1"])
def test_another_origin_gets_nothing(origin: str, server: Server, ask: Ask, path: Path) -> None:
    assert ask("GET", "/api/runs", Origin=origin)[0] == 403
    assert acted(server, ask, "cancel", "deploy", Origin=origin)[0] == 403
    assert open_journal(path).summary("deploy").state == "Paused"


def test_a_page_elsewhere_may_link_here_but_embed_nothing(ask: Ask) -> None:
    assert ask("GET", "/", Sec_Fetch_Site="cross-site")[0] == 200
    assert ask("GET", "/api/runs", Sec_Fetch_Site="cross-site")[0] == 403
    assert ask("GET", "/api/runs", Sec_Fetch_Site="same-origin")[0] == 200


@pytest.mark.parametrize("token", [None, "wrong", "é"])
def test_without_the_token_nothing_is_done(
    token: str | None, server: Server, ask: Ask, path: Path
) -> None:
    status, _, said = acted(server, ask, "cancel", "deploy", X_FSM_Token=token)

    assert status == 403
    assert "token" in said["error"]
    assert open_journal(path).summary("deploy").state == "Paused"


def test_what_acts_is_a_post_of_json(server: Server, ask: Ask) -> None:
    assert ask("GET", "/api/act?action=cancel&run=deploy")[0] == 404
    assert acted(server, ask, "cancel", "deploy", Content_Type="text/plain")[0] == 415


def test_a_body_has_an_end(server: Server, ask: Ask) -> None:
    body = {"run": "x" * 70_000}

    assert ask("POST", "/api/act", body, X_FSM_Token=server.access.token)[0] == 413


def test_the_token_is_not_in_what_is_printed_of_the_door() -> None:
    policy = AccessPolicy(8000)

    assert policy.token not in repr(policy)
    assert policy.token != AccessPolicy(8000).token


def test_port_80_goes_without_saying() -> None:
    headers = http.client.HTTPMessage()
    headers["Host"] = "localhost"

    assert AccessPolicy(80).refusal("GET", urlsplit("/"), headers) is None
    assert AccessPolicy(81).refusal("GET", urlsplit("/"), headers) is not None


# What it shows.


def test_the_states_are_counted_in_the_order_of_the_lifecycle(ask: Ask) -> None:
    _, _, said = ask("GET", "/api/overview")

    assert counted(said) == {"Running": 7, "Paused": 1, "Failed": 1}
    assert said["states"][0]["name"] == TaskRun.lifecycle.nodes[0].__name__
    assert [kind["name"] for kind in said["kinds"]] == ["fsm:TaskRun"]
    assert (said["total"], said["trouble"]) == (9, None)


def test_runs_are_filtered(ask: Ask) -> None:
    def found(query: str) -> list[str]:
        return [run["run"] for run in ask("GET", f"/api/runs?{query}")[2]["runs"]]

    assert found("state=Paused") == ["deploy"]
    assert found("search=ETL/") == ["etl/report", "etl/load"]
    assert found("search=etl&state=Failed") == ["etl/load"]
    assert found("kind=shop:Order") == []
    assert found("search=%3Cimg") == [HOSTILE[0]]


def test_runs_come_in_pages_last_begun_first(ask: Ask) -> None:
    pages = [ask("GET", f"/api/runs?limit=4&offset={n}")[2] for n in (0, 4, 8, 12)]

    assert [len(each["runs"]) for each in pages] == [4, 4, 1, 0]
    assert {each["matching"] for each in pages} == {9}
    assert pages[2]["runs"][0]["run"] == "etl/load"


@pytest.mark.parametrize("query", ["limit=x", "offset=", "offset=1e9"])
def test_a_page_is_counted_in_whole_numbers(query: str, ask: Ask) -> None:
    assert ask("GET", f"/api/runs?{query}")[0] in (200, 400)


def test_a_page_has_an_end(ask: Ask) -> None:
    assert len(ask("GET", "/api/runs?limit=1000000000&offset=-5")[2]["runs"]) == 9


def test_a_run_shows_its_steps_with_payloads_to_the_last_digit(ask: Ask) -> None:
    _, _, said = ask("GET", "/api/run?run=etl/load")

    assert [(step["event"], step["dest"]) for step in said["steps"]] == [
        ("start", "Running"),
        ("fail", "Failed"),
    ]
    assert str(2**60) in said["steps"][1]["payload"]
    assert said["left_out"] == 0


def test_a_run_shows_its_own_way(ask: Ask) -> None:
    pytest.importorskip("pygraphviz")

    drawn = ask("GET", "/api/picture?run=etl/load")[2]["diagram"]

    assert drawn.startswith("<svg")
    assert "etl/load" in drawn or "2: fail" in drawn


@pytest.mark.parametrize("view", ["run", "picture", "story", "why"])
@pytest.mark.parametrize("id", ["nobody", "%00", "%ED%A0%80", ""])
def test_an_unknown_run_is_not_found(view: str, id: str, ask: Ask) -> None:
    status, _, said = ask("GET", f"/api/{view}?run={id}")

    assert status == 404
    assert "no run" in said["error"]


def test_a_run_tells_its_story(ask: Ask) -> None:
    _, _, said = ask("GET", "/api/story?run=deploy")

    assert said["status"] == ["It waits to be resumed."]


def test_actions_that_would_be_refused_are_marked(ask: Ask, path: Path) -> None:
    _, _, said = ask("GET", "/api/why?run=etl/load")

    assert {action: reason is None for action, reason in said.items()} == {
        "approve": False, "resume": False, "retry": True, "cancel": False,
    }  # fmt: skip
    assert list(open_journal(path).refusals()) == []


def test_the_lifecycle_is_shown_with_its_traffic(ask: Ask) -> None:
    pytest.importorskip("pygraphviz")

    _, _, said = ask("GET", "/api/heat?kind=")

    assert (said["name"], said["version"]) == ("TaskRun", 1)
    assert "start (8\N{MULTIPLICATION SIGN})" in said["diagram"]


def test_ten_thousand_runs_are_answered_by_the_page(tmp_path: Path) -> None:
    with open_journal(tmp_path / "many.db") as kept:
        runs = [TaskRun(f"load-{n}") for n in range(10_000)]
        for run in runs:
            run.start()
        kept.extend((run.history[0] for run in runs), TaskRun)
    watch = Watch(Source(partial(opened, tmp_path / "many.db")))

    snapshot = watch.look()

    assert overview(snapshot, KnownClasses((TaskRun,)))["total"] == 10_000
    assert len(run_list(snapshot, Query(search="load-99"))["runs"]) == 50


# What is done.


@pytest.mark.parametrize(
    ("action", "run", "state"),
    [
        ("approve", "deploy", "Resume"),
        ("resume", "deploy", "Resume"),
        ("cancel", "deploy", "Cancelled"),
        ("retry", "etl/load", "Retrying"),
    ],
)
def test_the_token_opens(
    action: str, run: str, state: str, server: Server, ask: Ask, path: Path
) -> None:
    status, _, said = acted(server, ask, action, run)

    assert (status, said) == (200, [{"run": run, "state": state, "refused": None}])
    assert open_journal(path).summary(run).state == state


def test_the_approver_is_recorded(server: Server, ask: Ask, path: Path) -> None:
    acted(server, ask, "approve", "deploy")

    assert open_journal(path).summary("deploy").message == "Approved by ada"


def test_what_a_run_refuses_is_explained(server: Server, ask: Ask, path: Path) -> None:
    status, _, said = acted(server, ask, "resume", "etl/load")

    assert status == 409
    assert "cannot resume from Failed" in said["error"]
    assert open_journal(path).summary("etl/load").state == "Failed"


@pytest.mark.parametrize("body", [None, [], {}, {"action": "drop", "run": "deploy"}, {"run": 1}])
def test_what_is_no_action_is_refused(body: Any, server: Server, ask: Ask) -> None:
    said = {"action": body} if body is None else body

    assert ask("POST", "/api/act", said, X_FSM_Token=server.access.token)[0] == 400


def test_the_veto_of_a_listener_is_reported(path: Path) -> None:
    class Careful(TaskRun):
        pass

    @Careful.before(Careful.resume)
    def refuse(run: TaskRun, step: object) -> None:
        raise RuntimeError("not on a Friday")

    with opened(path) as journal:
        Careful("careful", journal=journal).pause()

        with pytest.raises(TransitionError, match="did not move: not on a Friday"):
            act(journal, {"action": "resume", "run": "careful"}, KnownClasses((Careful,)))

        assert journal.summary("careful").state == "Paused"


# What goes on.


def events(server: Server) -> Iterator[dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    with closing(connection):
        connection.request("GET", "/api/events")
        answer = connection.getresponse()
        assert answer.headers["Content-Type"] == "text/event-stream"
        for line in answer:
            if line.startswith(b"data: "):
                yield json.loads(line.removeprefix(b"data: "))


def counted(event: dict[str, Any]) -> dict[str, int]:
    (kind,) = event["kinds"]
    assert kind["counts"] == event["counts"]
    return dict(kind["counts"])


def test_a_change_is_sent_as_it_happens(server: Server, path: Path) -> None:
    told = events(server)
    before = counted(next(told))

    with open_journal(path) as kept:
        TaskRun("new", journal=kept).start()
    after = counted(next(told))

    assert (before["Running"], after["Running"]) == (7, 8)


def test_a_journal_may_disappear_and_come_back(server: Server, path: Path, ask: Ask) -> None:
    told = events(server)
    next(told)
    away = path.with_name("away.db")

    path.rename(away)
    gone = next(told)
    refused = ask("GET", "/api/run?run=deploy")[0]
    nothing_made = not path.exists()
    away.rename(path)
    back = next(told)

    assert "no journal is at" in gone["trouble"]
    assert gone["total"] == 9  # as it last stood
    assert (refused, nothing_made) == (503, True)
    assert (back["trouble"], back["total"]) == (None, 9)


def test_an_action_that_waits_does_not_delay_reading(server: Server, ask: Ask, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    with closing(other), ThreadPoolExecutor(1) as pool:
        other.execute("BEGIN IMMEDIATE")
        cancelling = pool.submit(acted, server, ask, "cancel", "deploy")

        answers = [ask("GET", "/api/story?run=deploy")[0] for _ in range(20)]

        assert not cancelling.done()
        other.execute("ROLLBACK")
        assert cancelling.result()[2] == [{"run": "deploy", "state": "Cancelled", "refused": None}]
    assert set(answers) == {200}


def test_another_journal_in_its_place_is_the_one_that_is_read(path: Path) -> None:
    source = Source(partial(opened, path))
    with source.journal() as journal:
        assert journal.summary("deploy")

    path.rename(path.with_name("old.db"))
    with open_journal(path) as kept:
        TaskRun("other", journal=kept).start()

    with source.journal() as journal:
        assert [run.run for run in journal.runs()] == ["other"]


def test_a_run_that_is_not_there_is_no_trouble_of_the_journal(path: Path) -> None:
    source = Source(partial(opened, path))
    with source.journal() as journal:
        pass

    with pytest.raises(UnknownRun), source.journal() as same:
        history(same, "nobody")

    with source.journal() as again:
        assert again is journal


def test_a_look_that_finds_nothing_new_is_no_news(path: Path) -> None:
    watch = Watch(Source(partial(opened, path)))

    assert watch.look() is watch.look()
    assert watch.wait_after(1, 0) is None


ACTS: dict[str, Callable[[Journal], object]] = {
    "a step": lambda journal: TaskRun.restore("deploy", journal).resume(),
    "a new run": lambda journal: TaskRun("new", journal=journal).start(),
    "a claim": lambda journal: journal.claim(owner="w", run="deploy"),
    "a release": lambda journal: journal.release(Claim(journal, "claimed", 1, "w", 0)),
}


@pytest.fixture
def claimed(path: Path) -> Path:
    """The same journal, with a run that somebody has claimed."""
    with open_journal(path) as kept:
        TaskRun("claimed", journal=kept).start()
        kept.claim(owner="w", run="claimed")
    return path


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_what_this_process_does_is_seen(claimed: Path, act: Callable[[Journal], object]) -> None:
    watch = Watch(source := Source(partial(opened, claimed)))
    before = watch.look()

    with source.journal() as journal:
        act(journal)

    assert watch.look().runs != before.runs


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_what_others_do_is_seen(claimed: Path, act: Callable[[Journal], object]) -> None:
    watch = Watch(Source(partial(opened, claimed)))
    before = watch.look()

    with open_journal(claimed) as other:
        act(other)

    assert watch.look().runs != before.runs


def test_a_refusal_that_others_noted_is_seen(path: Path) -> None:
    watch = Watch(source := Source(partial(opened, path)))
    before = watch.look()

    with open_journal(path) as other, pytest.raises(TransitionError):
        TaskRun.restore("etl/load", other).resume()

    news = watch.look()
    assert (news.version, news.runs) == (before.version + 1, before.runs)
    assert watch.look() is news
    with source.journal() as journal:
        assert [each.event for each in journal.refusals("etl/load")] == ["resume"]


def test_another_journal_in_its_place_is_seen(path: Path) -> None:
    watch = Watch(Source(partial(opened, path)))
    watch.look()

    with open_journal(path.with_name("new.db")) as kept:
        TaskRun("other", journal=kept).start()
    path.with_name("new.db").rename(path)

    assert [run.run for run in watch.look().runs] == ["other"]


def test_what_has_not_changed_is_not_read_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(source := Source(partial(opened, path)))
    before = watch.look()
    with source.journal() as journal:
        monkeypatch.setattr(journal, "runs", lambda: pytest.fail("it was read"))

    assert watch.look() is before


def test_what_came_while_it_was_read_is_seen_later(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(source := Source(partial(opened, path)))
    with source.journal() as journal, open_journal(path) as other:
        found = tuple(journal.runs())

        def overtaken() -> Iterator[Summary]:
            TaskRun("new", journal=other).start()
            monkeypatch.undo()
            return iter(found)

        monkeypatch.setattr(journal, "runs", overtaken)

    before = watch.look()
    other.close()  # which the step has opened again

    assert len(watch.look().runs) == len(before.runs) + 1


def test_a_journal_that_cannot_say_is_read_each_time() -> None:
    journal = MemoryJournal()
    watch = Watch(Source(lambda: nullcontext(journal)))
    watch.look()

    TaskRun("new", journal=journal).start()

    assert [run.run for run in watch.look().runs] == ["new"]


def test_a_watch_goes_on_when_there_was_no_journal(tmp_path: Path) -> None:
    watch = Watch(Source(partial(opened, tmp_path / "later.db")))
    before = watch.look()

    open_journal(tmp_path / "later.db").close()

    assert before.trouble is not None
    assert watch.look().trouble is None


# The report; what a browser makes of both is in `tests/browser`.


@pytest.fixture
def written(path: Path) -> str:
    with open_journal(path) as kept:
        return report(kept, TaskRun)


def test_a_report_holds_all_it_needs(written: str) -> None:
    assert not re.search(r'(?:src|href)="(?!data:)', written)
    assert written.count("</script>") == 2


def test_a_report_lets_only_its_own_script_run(written: str) -> None:
    scripts = re.findall(r"<script>(.*?)</script>", written, re.DOTALL)

    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()) for text in scripts]
    assert [f"script-src 'sha256-{digest.decode()}'" in written for digest in digests] == [True]


def test_a_report_has_the_histories_of_the_last_runs(path: Path) -> None:
    with open_journal(path) as kept:
        text = report(kept, TaskRun, histories=2)

    found = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    assert (len(data["runs"]), len(data["histories"])) == (9, 2)
    assert set(HOSTILE) < {run["run"] for run in data["runs"]}


def test_an_unknown_action_moves_nothing(path: Path) -> None:
    with opened(path) as journal, pytest.raises(InvalidArgument, match="one of approve, resume"):
        act(journal, {"action": "drop", "run": "deploy"}, KnownClasses((TaskRun,)))


def test_a_source_raises_what_opening_raises(tmp_path: Path) -> None:
    with (
        pytest.raises(JournalError, match="no journal"),
        Source(partial(opened, tmp_path / "no.db")).journal(),
    ):
        pass


def test_the_script_never_makes_markup_of_text(ask: Ask) -> None:
    script = ask("GET", "/page.js")[2]

    assert "textContent" in script
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script)
