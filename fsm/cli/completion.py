"""`fsm completion`: the script with which a shell completes the words of `fsm`."""

from __future__ import annotations

import os
import re
from pathlib import PurePath
from typing import Any, ClassVar

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    add_completion_class,
    get_completion_class,
    split_arg_string,
)

from .options import Choice
from .printing import json_option, put_json
from .program import COMPLETE

__all__ = ["Bash", "completion"]

_SHELLS = ("bash", "zsh", "fish")
_UNQUOTED = re.compile(r"([^\w@%+=:,./-])")  # characters that a shell may interpret

# Passes the line itself: bash's own words end at each ":" and "=" of a target or a URL.
_SCRIPT = """\
%(complete_func)s() {
    local type value
    while IFS=',' read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done < <(env COMP_LINE="$COMP_LINE" COMP_POINT="$COMP_POINT" \\
        COMP_WORDBREAKS="$COMP_WORDBREAKS" %(complete_var)s=bash_complete "$1" 2>/dev/null)
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""


@add_completion_class
class Bash(BashComplete):
    """Completion for bash: splits the line itself and quotes the replies."""

    source_template: ClassVar[str] = _SCRIPT

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the cursor, and the word at it."""
        if "COMP_LINE" not in os.environ:
            return super().get_completion_args()
        line = os.environ["COMP_LINE"][: int(os.environ["COMP_POINT"])]
        words = split_arg_string(line)
        last = "" if line.endswith((" ", "\t")) or len(words) < 2 else words.pop()
        return words[1:], last

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """Return the completions without the part that bash takes for an earlier word."""
        items = super().get_completions(args, incomplete)
        value = incomplete.partition("=")[2] if incomplete.startswith("-") else incomplete
        ends = [value.rfind(mark) for mark in os.environ.get("COMP_WORDBREAKS", "") if mark in ":="]
        begun = value[: max(ends, default=-1) + 1]
        for item in items:
            item.value = item.value.removeprefix(begun)
        return items

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """Quote a reply for the command line: the id of a run may contain any character."""
        value = _UNQUOTED.sub(r"\\\1", item.value) if item.type == "plain" else item.value
        return f"{item.type},{value}"


_HELP = """Print the script with which a shell completes words of fsm.

It completes commands, options, runs, states, events, formats, targets and files. The shell is
your own if omitted. For bash and zsh, put the line with eval into ~/.bashrc or ~/.zshrc; for fish,
put the file into ~/.config/fish/completions.

Runs and classes are those of the journal that --journal or FSM_JOURNAL names, if it is a file; at
most its first 10,000 runs. No module is imported or read.
"""


@click.command(
    help=_HELP,
    epilog="\b\nExamples:\n  fsm completion bash > fsm.bash\n"
    '  eval "$(fsm completion bash)"\n'
    "  fsm completion fish > fsm.fish",
)
@click.argument("shell", type=Choice(_SHELLS), required=False)
@json_option("shell", "script")
def completion(shell: str | None, as_json: bool) -> None:
    name = shell or PurePath(os.environ.get("SHELL", "")).name
    found = get_completion_class(name) if name in _SHELLS else None
    if found is None:
        raise click.UsageError(f"name your shell: {', '.join(_SHELLS)}")
    root = click.get_current_context().find_root().command
    script = found(root, {}, "fsm", COMPLETE).source()
    if as_json:
        put_json({"shell": name, "script": script})
    else:
        click.echo(script, nl=False)
