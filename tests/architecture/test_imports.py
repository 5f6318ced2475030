"""No module imports itself by way of others, in functions and for types included."""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.architecture.source import PACKAGES, modules, tree

Graph = Mapping[str, set[str]]


def name_of(path: Path) -> str:
    """``realtime.engine`` for ``realtime/engine/__init__.py``."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(syntax: ast.AST, known: Iterable[str]) -> set[str]:
    """The modules among ``known`` that some source imports, wherever in it the import is."""
    found: set[str] = set()
    for node in ast.walk(syntax):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in known else node.module)
    return found & set(known)


def graph(sources: Mapping[str, ast.AST]) -> Graph:
    return {name: imported(syntax, sources) - {name} for name, syntax in sources.items()}


def cycle(edges: Graph) -> list[str]:
    """Return the modules of one cycle, the first one again at the end; or nothing."""
    done: set[str] = set()

    def search(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for target in sorted(edges[name]):
            if found := search(target, [*path, name]):
                return found
        done.add(name)
        return []

    return next((found for name in sorted(edges) if (found := search(name, []))), [])


def test_no_module_imports_itself_by_way_of_others() -> None:
    sources = {name_of(path): tree(path) for path in modules(*PACKAGES)}
    assert cycle(graph(sources)) == []


def test_a_cycle_of_types_and_functions_is_found() -> None:
    sources = {
        "app.socket": "if TYPE_CHECKING:\n    from app.tail import Tail",
        "app.tail": "import app.hub",
        "app.hub": "def start():\n    from app import socket",
        "app.apart": "from app.socket import Socket",
    }
    found = cycle(graph({name: ast.parse(source) for name, source in sources.items()}))
    assert found == ["app.socket", "app.tail", "app.hub", "app.socket"]


def test_modules_that_share_an_import_are_no_cycle() -> None:
    assert cycle({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}) == []
