"""serve: a page with the runs of a journal, for a browser on this machine."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import click

from fsm.cli.options import existing, journal_option
from fsm.cli.printing import as_line, json_option
from fsm.cli.targets import lifecycles_option, load

__all__ = ["serve"]


@click.command(
    epilog="\b\nExamples:\n  fsm serve --journal runs.db\n"
    "  fsm serve --journal runs.db --as shop.orders:Order --port 9000"
)
@journal_option()
@lifecycles_option("Whose lifecycle is drawn, and whose listeners are told")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8000,
    show_default=True,
    metavar="N",
    help="Where it listens; 0 for any that is free.",
)
@json_option("url", "token", lead="when it listens, an object with")
def serve(url: str, lifecycles: tuple[str, ...], port: int, as_json: bool) -> None:
    """Serve a page with the runs of a journal, on this machine alone.

    It shows the lifecycle with how many runs are where, and follows what happens. Whoever is on
    this machine can look; to approve, resume, retry or cancel takes the token in the address that
    is printed.
    """
    from fsm.web import Server

    with existing(url):  # a wrong name is refused now; one that disappears later is waited for
        pass
    try:
        server = Server(partial(existing, url), *map(load, lifecycles), port=port)
    except OSError as error:
        problem = f"cannot use port {port}: {error.strerror}; name another with --port"
        raise click.ClickException(problem) from error
    with server, suppress(KeyboardInterrupt):
        if as_json:
            click.echo(as_line({"url": server.url, "token": server.door.token}))
        else:
            click.echo(f"{server.url}\nCtrl-C ends it")
        server.serve_forever()
