"""Our own source, as the architecture tests read it."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from realtime.protocol.errors import HoldfastError

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("realtime", "notifications", "chat")


def modules(*packages: str) -> list[Path]:
    """Return the modules of some packages, as paths relative to the project."""
    found = [
        path.relative_to(ROOT) for package in packages for path in (ROOT / package).rglob("*.py")
    ]
    return sorted(path for path in found if "migrations" not in path.parts)


@cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse((ROOT / path).read_text(), str(path))


@cache
def imports(path: Path) -> Sequence[str]:
    """Return the full names that a module imports: ``django.db.transaction``."""
    found: list[str] = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += (f"{node.module}.{alias.name}" for alias in node.names)
    return found


def who_imports(*names: str, among: Iterable[Path] | None = None) -> set[str]:
    """Return the modules that import one of the names, or something below it."""
    return {
        str(path)
        for path in (modules(*PACKAGES) if among is None else among)
        for imported in imports(path)
        if any(imported == name or imported.startswith(f"{name}.") for name in names)
    }


def who_calls(*names: str, among: Iterable[Path] | None = None) -> set[str]:
    """Return the modules that call something of this name: ``atomic``, ``transaction.atomic``."""
    return {
        str(path)
        for path in (modules(*PACKAGES) if among is None else among)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and called(node) in names
    }


def words(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the strings of a module, without docstrings, and the names that it defines."""
    docstrings = {
        id(node.value)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree(path)):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
        ):
            yield node.lineno, node.value
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name


def called(node: ast.Call) -> str | None:
    """Return the last name of what is called: ``atomic`` of ``transaction.atomic()``."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else None


def tree_of_errors(kind: type[HoldfastError]) -> Iterator[type[HoldfastError]]:
    """Yield all kinds of errors below one."""
    for found in kind.__subclasses__():
        yield found
        yield from tree_of_errors(found)
