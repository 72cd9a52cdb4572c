"""Targets: import the Run class or the task that `package.module:name` names."""

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

from .suggestions import targets

__all__ = ["UnknownTarget", "lifecycles_option", "load", "load_tasks", "target_argument"]

Command = TypeVar("Command", bound=Callable[..., Any])

_FORM = "a target is written package.module:Class, such as fsm:TaskRun"


_MOST = 10  # names listed in a message


class UnknownTarget(click.ClickException):
    """The target does not exist, is of another type, or importing it raised."""


def target_argument(command: Command) -> Command:
    """Give *command* the argument TARGET, which names a class of runs."""
    return click.argument(
        "target", default="fsm:TaskRun", metavar="[TARGET]", shell_complete=targets
    )(command)


def lifecycles_option(what: str) -> Callable[[Command], Command]:
    """Return the option `--as`, which names Run classes.

    Args:
        what: What they are used for; the beginning of the help text.
    """
    return click.option(
        "--as",
        "lifecycles",
        metavar="TARGET",
        multiple=True,
        default=["fsm:TaskRun"],
        shell_complete=targets,
        help=f"{what}; may be given several times. Default: fsm:TaskRun.",
    )


def load(target: str) -> type[Run]:
    """Import the Run class that *target* names; for a task, the class of its runs.

    Raises:
        click.BadParameter: It is not of the form module:Class.
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
    problem = f"{target} is {_describe(found)}, not a Run class{_list_classes(module)}"
    raise UnknownTarget(problem)


def load_tasks(target: str) -> list[Task[..., Any]]:
    """Import the task that `package.module:function` names, or all tasks of a module.

    Raises:
        click.BadParameter: It is not of either form.
        UnknownTarget: There is no such module or function, it is not a task, or importing raised.
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
        problem = f"{target} is {_describe(found)}, not a function decorated with @task"
        raise UnknownTarget(f"{problem}{_list_tasks(module)}")
    tasks = [found for found in vars(module).values() if isinstance(found, Task)]
    if not tasks:
        problem = f"{name} has no function decorated with @task"
        raise UnknownTarget(f"{problem}{_list_contents(module)}")
    return tasks


def _list_tasks(module: ModuleType) -> str:
    names = [name for name, found in vars(module).items() if isinstance(found, Task)]
    return f"; there is {', '.join(names)}" if names else ""


def _list_contents(module: ModuleType) -> str:
    """List where tasks may be: in modules of the package, or in functions without @task."""
    inside = pkgutil.iter_modules(getattr(module, "__path__", ()), f"{module.__name__}.")
    names = [each.name for each in inside]
    if names:
        return f"; its modules are {', '.join(names)}"
    functions = [
        name for name, found in vars(module).items()
        if isinstance(found, FunctionType) and found.__module__ == module.__name__
        and not name.startswith("_")
    ]  # fmt: skip
    return f"; its functions without @task are {', '.join(functions[:_MOST])}" if functions else ""


def _form_hint(target: str) -> str:
    """Suggest a target for a module or a file without a class, or for a dot in place of the colon.

    The module is imported, as it would be for the right target.
    """
    name = target.removeprefix("./").removesuffix(".py").replace("/", ".")
    meant = "fsm:TaskRun" if name == "TaskRun" else ""
    if not meant and _is_dotted(name):
        with contextlib.suppress(UnknownTarget):
            meant = next((f"{name}:{each}" for each in _classes(_module(name))), "")
    module, dot, last = target.rpartition(".")
    if not meant and dot and name == target and _is_dotted(target):
        meant = f"{module}:{last}"
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
        with contextlib.redirect_stdout(sys.stderr):  # stdout may carry JSON
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
    problem = UnknownTarget(f"importing {name!r} raised {type(error).__name__}: {error}")
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<frozen ") and frame.filename != importlib.__file__
    ]
    if len(frames) > 1:  # the first is ours
        problem.add_note(f"raised at {frames[-1].filename}:{frames[-1].lineno}")
    problem.add_note("set FSM_TRACEBACK=1 to see the traceback")
    return problem


def _member(module: ModuleType, path: str) -> object:
    found: object = module
    place = module.__name__
    for name in path.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            hint = did_you_mean(name, _public(found))
            if not hint and isinstance(found, ModuleType):
                hint = _list_classes(found)
            raise UnknownTarget(f"{place} has no {name!r}{hint}") from None
        place = f"{place}{'.' if ':' in place else ':'}{name}"
    return found


def _public(owner: object) -> list[str]:
    return [name for name in dir(owner) if not name.startswith("_")]


def _list_classes(module: ModuleType) -> str:
    """List the names in *module* that are valid targets."""
    names = _classes(module)
    return f"; there is {', '.join(names)}" if names else ""


def _classes(module: ModuleType) -> list[str]:
    """Return the names of Run classes and tasks in *module*, those that it defines first."""
    found = {
        name: each
        for name, each in vars(module).items()
        if isinstance(each, Task)
        or (isinstance(each, type) and issubclass(each, Run) and each is not Run)
    }
    return sorted(found, key=lambda name: found[name].__module__ != module.__name__)


def _describe(found: object) -> str:
    if isinstance(found, Run):
        return "a run"
    if isinstance(found, Task):
        return "a task"
    if isinstance(found, type):
        return "a state class" if issubclass(found, State) else "a class of another kind"
    if isinstance(found, ModuleType):
        return "a module"
    return "a function" if callable(found) else f"an object of type {type(found).__name__}"
