"""The layout keeps its laws: private parts stay private, and one name has one meaning."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import fsm

HOUSE = Path(fsm.__file__).parent
FILES = sorted(HOUSE.rglob("*.py"))
PACKAGES = sorted({path.relative_to(HOUSE).parts[0].removesuffix(".py") for path in FILES})

# A command and what it shows, a store and its kind: one meaning in several places.
MODULES_OF_ONE_NAME = {
    "aio": "the async form of run, and of execution",
    "base": "the abstract base class of its package",
    "claims": "claims in a journal, and those that a worker holds",
    "commands": "of the command line; of a decider, as that pattern calls them",
    "demo": "a command and its subject",
    "errors": "exceptions of fsm and of fsm.states, and how the command line shows them",
    "exceptions": "exceptions that tasks raise: as recorded in a state, as named in a policy",
    "job": "a call being executed, and one that a worker has claimed",
    "journal": "the package, and the journal of each store",
    "queries": "what journals answer, and how the one in memory answers it",
    "report": "a command and its subject",
    "run": "the package and its class",
    "schema": "of each database, and of the fields of a state",
    "story": "a command and its subject, and the same for a browser",
    "timeline": "a command and its subject",
    "why": "a command and its subject",
    "worker": "the package and its class",
}
CLASSES_OF_ONE_NAME: dict[str, str] = {}
PARTICIPLES_ALLOWED = {
    "allowed": "Lifecycle.allowed(node) is what Run.allowed is of its state",
}

_IRREGULAR = """
    begun bent bound bought broken brought built caught chosen dealt done drawn driven
    fallen fed felt forgotten found given gone grown held hidden hung kept known laid led
    left lost made meant met overridden paid said seen sent shown sold sought spelt spent
    spoken stood struck stuck sworn taken taught thought thrown told torn understood
    withdrawn won worn written
"""
IRREGULAR = set(_IRREGULAR.split())
_NO_PARTICIPLES = "bed embed exceed feed need proceed red seed shed speed succeed"
NO_PARTICIPLES = set(_NO_PARTICIPLES.split())


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in FILES:
        yield path.relative_to(HOUSE), ast.parse(path.read_text("utf-8"))


def is_participle(name: str) -> bool:
    """Whether the name of a function begins with a past participle: `made`, `told_by`."""
    first = name.strip("_").split("_")[0]
    if first in IRREGULAR:
        return True
    return first.endswith("ed") and len(first) > 3 and first not in NO_PARTICIPLES


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions and methods; not properties, which are named as attributes are."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if any("property" in ast.unparse(each) for each in node.decorator_list):
            continue
        if any(ast.unparse(each).endswith((".setter", "fixture")) for each in node.decorator_list):
            continue
        yield node


@pytest.mark.parametrize("package", PACKAGES)
def test_functions_are_named_by_verbs_not_by_participles(package: str) -> None:
    named = {
        f"{path}:{function.lineno} {function.name}"
        for path, tree in trees()
        if path.parts[0].removesuffix(".py") == package
        for function in functions(tree)
        if is_participle(function.name) and function.name not in PARTICIPLES_ALLOWED
    }
    assert named == set()


def test_no_file_outside_the_package_run_touches_what_is_private_to_a_run() -> None:
    touched = {
        f"{path}:{node.lineno} {ast.unparse(node)}"
        for path, tree in trees()
        if path.parts[0] != "run"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and re.fullmatch(r"_[a-z]\w*", node.attr)
        and re.search(r"(^|[._])(run|parent|child|double)$", ast.unparse(node.value))
    }
    assert touched == set()


def test_no_module_name_stands_twice_for_different_things() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in FILES:
        inside = path.relative_to(HOUSE)
        name = inside.parent.name if inside.name == "__init__.py" else inside.stem
        places[name].append(str(inside))
    twice = {name: found for name, found in places.items() if len(found) > 1}
    assert twice.keys() == MODULES_OF_ONE_NAME.keys(), twice


def test_no_class_name_stands_twice_for_different_things() -> None:
    places: dict[str, set[str]] = defaultdict(set)
    for path, tree in trees():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                places[node.name].add(str(path))
    twice = {name: found for name, found in places.items() if len(found) > 1}
    assert twice.keys() == CLASSES_OF_ONE_NAME.keys(), twice


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_file_stays_under_400_lines(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) < 400
