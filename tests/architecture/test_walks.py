"""The three walks of docs/architecture.md name functions that exist."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

PAGE = ROOT / "docs" / "architecture.md"
WALKS = {"A message": (10, 16), "A notification": (8, 14), "A ban": (8, 14)}
"""The beginning of each heading, with the fewest and the most rows."""

STEP = re.compile(r"`(?P<path>[\w./-]+\.(?:py|js)): (?P<name>#?[\w.]+)`")


def walk(heading: str) -> list[list[str]]:
    """Return the rows of a walk, each as its cells."""
    section = PAGE.read_text().split(f"\n### {heading}", 1)[1]
    table = re.split(r"\n##", section, maxsplit=1)[0]
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| ")]
    return rows[1:]


def defines(path: Path, name: str) -> bool:
    """Tell whether a file exists and defines a function, a class or a method."""
    if not path.is_file():
        return False
    source = path.read_text()
    return name in python_names(source) if path.suffix == ".py" else defined_in_script(source, name)


def python_names(source: str) -> set[str]:
    """Return the functions and classes of a module; a method also as ``Class.method``."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    found = set()
    for node in ast.parse(source).body:
        if isinstance(node, kinds):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = {child.name for child in node.body if isinstance(child, kinds)}
            found |= methods | {f"{node.name}.{method}" for method in methods}
    return found


def defined_in_script(source: str, name: str) -> bool:
    """Tell whether a script defines a function, a class or a method of this name."""
    word = re.escape(name)
    declared = rf"(?:export )?(?:default )?(?:async )?(?:function\*? |class ){word}\b"
    arrow = rf"(?:export )?const {word} = (?:async )?(?:\(|\w+ =>)"
    method = rf"  (?:static )?(?:async )?(?:get |set |\*)?{word}\((?:.*\{{|[^;]*\(|)"
    return re.search(rf"^(?:{declared}|{arrow}|{method}$)", source, re.MULTILINE) is not None


@pytest.mark.parametrize("heading", WALKS)
def test_a_walk_is_short(heading: str) -> None:
    fewest, most = WALKS[heading]
    assert fewest <= len(walk(heading)) <= most


@pytest.mark.parametrize("heading", WALKS)
def test_every_step_names_a_function_that_exists(heading: str) -> None:
    missing = []
    for row in walk(heading):
        step = STEP.fullmatch(row[-1].strip())
        if step is None or not defines(ROOT / step["path"], step["name"]):
            missing.append(row)
    assert missing == []


def test_a_function_that_is_gone_is_found() -> None:
    assert defines(ROOT / "realtime/apps.py", "RealtimeConfig.ready")
    assert defines(ROOT / "realtime/apps.py", "ready")
    assert not defines(ROOT / "realtime/apps.py", "RealtimeConfig.prepare")
    assert not defines(ROOT / "realtime/nothing.py", "ready")
    script = (
        "export class Socket {\n  #closed(code) {\n    this.#lost();\n  }\n}\n"
        "function parse(data) {\n  seen();\n}\n"
    )
    for name in ("Socket", "#closed", "parse"):
        assert defined_in_script(script, name)
    for name in ("#lost", "seen", "closed"):
        assert not defined_in_script(script, name), "a call is no definition"
