"""`fsm serve`: a live page with the runs of a journal, for browsers on this machine."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import click

from fsm.cli.options import journal_option, open_existing
from fsm.cli.printing import as_line, json_option
from fsm.cli.targets import lifecycles_option, load

__all__ = ["serve"]


@click.command(
    help="""Serve the runs of a journal as a live page on this machine.

    It shows the lifecycle with the number of runs in each state, and every run with its steps. All
    users of this machine can read it; to approve, resume, retry or cancel needs the token in the
    address that is printed. Ctrl-C ends it.
    """,
    epilog="\b\nExamples:\n  fsm serve --journal runs.db\n"
    "  fsm serve --journal runs.db --as shop.orders:Order --port 9000",
)
@journal_option()
@lifecycles_option("The class whose lifecycle is drawn and whose listeners are called")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8000,
    show_default=True,
    metavar="N",
    help="The port to listen on; 0 for any that is free.",
)
@json_option("url", "token", lead="once it listens, an object with")
def serve(url: str, lifecycles: tuple[str, ...], port: int, as_json: bool) -> None:
    from fsm.web import Server

    with open_existing(url):  # fail now if it does not exist; if it disappears later, wait
        pass
    try:
        server = Server(partial(open_existing, url), *map(load, lifecycles), port=port)
    except OSError as error:
        problem = f"cannot use port {port}: {error.strerror}; choose another with --port"
        raise click.ClickException(problem) from error
    with server, suppress(KeyboardInterrupt):
        if as_json:
            click.echo(as_line({"url": server.url, "token": server.access.token}))
        else:
            click.echo(f"{server.url}\nCtrl-C ends it")
        server.serve_forever()
