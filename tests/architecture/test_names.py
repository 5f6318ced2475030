"""A name of a class means one thing in the whole project."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.architecture.source import PACKAGES, modules, tree

# Django finds a management command by this name.
DJANGO_NAMES = {"Command"}


def types(module: ast.Module) -> Iterator[str]:
    """Yield the classes and type aliases that a module defines at its top level."""
    for node in module.body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (
                target.id
                for target in node.targets
                if isinstance(target, ast.Name)
                and _is_type(target.id)
                and not _is_shorthand(target.id, node.value)
            )


def _is_type(name: str) -> bool:
    """Tell an alias (``Streams``) from a constant (``STREAMS``) and a variable (``streams``)."""
    return name[0].isupper() and not name.isupper()


def _is_shorthand(name: str, value: ast.expr) -> bool:
    """Tell ``Action = ModerationLog.Action``, which defines nothing new."""
    return isinstance(value, ast.Attribute) and value.attr == name


def defined_twice(trees: Mapping[Path, ast.Module]) -> dict[str, list[str]]:
    """Return the classes and type aliases that several modules define, with these modules."""
    found = defaultdict(list)
    for path, module in trees.items():
        for name in types(module):
            found[name].append(str(path))
    return {name: paths for name, paths in found.items() if len(paths) > 1}


def test_a_class_or_type_alias_has_one_definition() -> None:
    found = defined_twice({path: tree(path) for path in modules(*PACKAGES)})
    assert {name: paths for name, paths in found.items() if name not in DJANGO_NAMES} == {}


def test_a_second_definition_is_found() -> None:
    trees = {
        Path("one.py"): ast.parse("class Place: ...\nMAX = 1\nname = 2"),
        Path("two.py"): ast.parse("Place = tuple[int, int]\nMAX = 1\nname = 2"),
    }
    assert defined_twice(trees) == {"Place": ["one.py", "two.py"]}


def test_a_shorthand_defines_nothing() -> None:
    trees = {Path(name): ast.parse("Kind = Room.Kind") for name in ("one.py", "two.py")}
    assert defined_twice(trees) == {}
