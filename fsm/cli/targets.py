"""Target: what `package.module:Class` names, a class of runs or a function that is a task."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, TypeVar

import click

from fsm.errors import did_you_mean
from fsm.flow.task import Task
from fsm.run.run import Run
from fsm.states import State

from .suggestions import known_targets, targets

__all__ = ["UnknownTarget", "lifecycles_option", "load", "load_tasks", "target_argument"]

Command = TypeVar("Command", bound=Callable[..., Any])

_FORM = "a target is written package.module:Class, such as fsm:TaskRun"


_MOST = 10  # names that are told


class UnknownTarget(click.ClickException):
    """There is no such thing, it is another one, or importing it raised."""


target_argument = click.argument(
    "target", default="fsm:TaskRun", metavar="[TARGET]", shell_complete=targets
)


def lifecycles_option(what: str) -> Callable[[Command], Command]:
    """Return the option that says whose lifecycles, for *what*."""
    return click.option(
        "--as",
        "lifecycles",
        metavar="TARGET",
        multiple=True,
        default=["fsm:TaskRun"],
        shell_complete=targets,
        help=f"{what}; may be given several times; fsm:TaskRun if left out.",
    )


def load(target: str) -> type[Run]:
    """Import the Run class that *target* names; a function that is a task stands for its own.

    Raises:
        click.BadParameter: It is not of the form.
        UnknownTarget: There is no such module or class, or importing it raised.
    """
    name, colon, path = target.partition(":")
    if not colon or not _is_dotted(name) or not _is_dotted(path):
        problem = f"{_FORM}, not {target!r}{_form_hint(target)}"
        raise click.BadParameter(problem, param_hint="TARGET")
    module = _module(name)
    found = _member(module, path)
    if isinstance(found, Task):
        return found.kind
    if isinstance(found, type) and issubclass(found, Run):
        return found
    problem = f"{target} is {_kind(found)}, not a Run class{_run_classes(module)}"
    raise UnknownTarget(problem)


def load_tasks(target: str) -> list[Task[..., Any]]:
    """Import what *target* names: `package.module:function`, or a module with all that it has.

    Raises:
        click.BadParameter: It is not of the form.
        UnknownTarget: There is no such module or function, or it is no task.
    """
    name, colon, path = target.partition(":")
    if not _is_dotted(name) or (colon and not _is_dotted(path)):
        problem = f"tasks are written package.module or package.module:function, not {target!r}"
        raise click.BadParameter(problem, param_hint="MODULE")
    module = _module(name)
    if colon:
        found = _member(module, path)
        if isinstance(found, Task):
            return [found]
        problem = f"{target} is {_kind(found)}, not a function that @task decorates"
        raise UnknownTarget(f"{problem}{_task_names(module)}")
    tasks = [found for found in vars(module).values() if isinstance(found, Task)]
    if not tasks:
        problem = f"{name} has no function that @task decorates"
        raise UnknownTarget(f"{problem}{_modules_inside(module)}")
    return tasks


def _task_names(module: ModuleType) -> str:
    names = [name for name, found in vars(module).items() if isinstance(found, Task)]
    return f"; there is {', '.join(names)}" if names else ""


def _modules_inside(module: ModuleType) -> str:
    """Where they may be instead: a package need not import its modules."""
    inside = pkgutil.iter_modules(getattr(module, "__path__", ()), f"{module.__name__}.")
    names = [each.name for each in inside]
    if names:
        return f"; inside of it there is {', '.join(names)}"
    functions = [
        name for name, found in vars(module).items()
        if isinstance(found, FunctionType) and found.__module__ == module.__name__
        and not name.startswith("_")
    ]  # fmt: skip
    return f"; it has {', '.join(functions[:_MOST])} without it" if functions else ""


def _form_hint(target: str) -> str:
    """What was meant by a module without a class, a class without its module, or a file."""
    word = target.removeprefix("./").removesuffix(".py").replace("/", ".")
    meant = next((known for known in known_targets() if word in known.split(":")), None)
    module, dot, name = target.rpartition(".")
    if meant is None and dot and word == target and _is_dotted(target):
        meant = f"{module}:{name}"
    return f" (did you mean {meant!r}?)" if meant else ""


def _is_dotted(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def _module(name: str) -> ModuleType:
    """Import a module, also from the current directory, as `python -m` does."""
    with contextlib.suppress(FileNotFoundError):  # the directory is gone
        here = str(Path.cwd())
        if here not in sys.path:
            sys.path.insert(0, here)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # our stdout is an answer, perhaps JSON
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise _no_module(error.name) from error
        raise _not_importable(name, error) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a module may raise anything, SystemExit included
        raise _not_importable(name, error) from error


def _no_module(name: str) -> UnknownTarget:
    parent, _, last = name.rpartition(".")
    package = sys.modules.get(parent)
    inside = getattr(package, "__path__", None) if parent else sys.path
    if package is not None and inside is None and (last == "py" or hasattr(package, last)):
        meant = parent if last == "py" else f"{parent}:{last}"
        return UnknownTarget(f"no module is called {name!r} (did you mean {meant!r}?)")
    known = {module.name for module in pkgutil.iter_modules(inside, parent and f"{parent}.")}
    return UnknownTarget(
        f"no module is called {name!r}{did_you_mean(name, sorted(known) if inside else ())}"
    )


def _not_importable(name: str, error: BaseException) -> UnknownTarget:
    refusal = UnknownTarget(f"importing {name!r} raised {type(error).__name__}: {error}")
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<frozen ") and frame.filename != importlib.__file__
    ]
    if len(frames) > 1:  # the first is ours
        refusal.add_note(f"raised at {frames[-1].filename}:{frames[-1].lineno}")
    refusal.add_note("FSM_TRACEBACK=1 in the environment shows the way there")
    return refusal


def _member(module: ModuleType, path: str) -> object:
    found: object = module
    place = module.__name__
    for name in path.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            hint = did_you_mean(name, _public(found))
            if not hint and isinstance(found, ModuleType):
                hint = _run_classes(found)
            raise UnknownTarget(f"{place} has no {name!r}{hint}") from None
        place = f"{place}{'.' if ':' in place else ':'}{name}"
    return found


def _public(owner: object) -> list[str]:
    return [name for name in dir(owner) if not name.startswith("_")]


def _run_classes(module: ModuleType) -> str:
    """What would have done, where the module has any."""
    names = [
        name
        for name, found in vars(module).items()
        if isinstance(found, Task)
        or (isinstance(found, type) and issubclass(found, Run) and found is not Run)
    ]
    return f"; there is {', '.join(names)}" if names else ""


def _kind(found: object) -> str:
    if isinstance(found, Run):
        return "a run"
    if isinstance(found, Task):
        return "a task"
    if isinstance(found, type):
        return "a state class" if issubclass(found, State) else "a class of another kind"
    if isinstance(found, ModuleType):
        return "a module"
    return "a function" if callable(found) else f"an object of type {type(found).__name__}"
