"""No regular expression reads a sentence of our own: stored data is phrased when it is shown."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGES, ROOT, called, modules, tree

# These make a pattern of something else than a sentence; each for the reason given.
COMPUTED = {
    "chat/admin/log_sentences.py": "brackets in a template, before anything is filled in",
    "chat/services/people/name_scrubbing.py": "the names of an erased person",
    "chat/static/chat/admin/keys.js": "the keys at the end of a label",
    "chat/templatetags/offline.py": "an address in a style sheet",
    "chat/text/plain_text.py": "white space around the mark of a cut",
    "realtime/core/monitoring/hidden_secrets.py": "beginnings of addresses, from the settings",
    "realtime/core/streams.py": "the idents of a kind of stream, some by another app",
    "realtime/protocol/frames.py": "digits, as many as a number may have",
}
FUNCTIONS = {"compile", "match", "fullmatch", "search", "sub", "split", "findall", "finditer"}
# A word beside a space, outside of groups and classes: that is prose.
PROSE = re.compile(r"[A-Za-z]{3,}:? | [A-Za-z]{3,}")
IN_SCRIPTS = re.compile(
    r"(?:[=(,:]|return)\s*/((?:[^/\\\n\[ *]|\\.|\[(?:[^\]\\\n]|\\.)*\])"
    r"(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])*)/[a-z]*[.,);\n]"
)
COMPUTED_IN_SCRIPTS = re.compile(r"new RegExp\(\s*[^\s'\"]")


def prose_in(pattern: str) -> list[str]:
    """Return the words of a pattern that would match text of a sentence."""
    literal = re.sub(r"\[(?:[^\]\\]|\\.)*\]|\(\?P?<\w+>|\\.", "\0", pattern)
    return PROSE.findall(literal)


def constant(node: ast.expr | None) -> str | None:
    """Return a pattern written in the source, or None if it is computed."""
    if isinstance(node, ast.Constant):
        return node.value.decode() if isinstance(node.value, bytes) else str(node.value)
    if isinstance(node, ast.JoinedStr) and all(
        isinstance(part, ast.Constant) for part in node.values
    ):
        return "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
    return None


def patterns(source: ast.Module) -> Iterator[str | None]:
    """Yield the patterns that a module gives to ``re``."""
    for node in ast.walk(source):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and (node.func.value.id, called(node) in FUNCTIONS) == ("re", True)
        ):
            yield constant(node.args[0] if node.args else None)


def problems(name: str, found: Iterator[str | None]) -> list[str]:
    """Return what is wrong with the patterns of a file."""
    return [
        f"{name}: {pattern or 'a computed pattern'}"
        for pattern in found
        if (prose_in(pattern) if pattern is not None else name not in COMPUTED)
    ]


def in_script(text: str) -> Iterator[str | None]:
    """Yield the patterns of a script."""
    yield from (found[1] for found in IN_SCRIPTS.finditer(text))
    yield from (None for _ in COMPUTED_IN_SCRIPTS.finditer(text))


def scripts() -> list[Path]:
    found = [path for package in PACKAGES for path in (ROOT / package / "static").rglob("*.js")]
    return sorted(path for path in found if "vendor" not in path.parts)


def test_no_pattern_of_a_module_is_a_sentence() -> None:
    assert [
        problem
        for path in modules(*PACKAGES)
        for problem in problems(str(path), patterns(tree(path)))
    ] == []


def test_no_pattern_of_a_script_is_a_sentence() -> None:
    assert [
        problem
        for path in scripts()
        for problem in problems(str(path.relative_to(ROOT)), in_script(path.read_text()))
    ] == []


@pytest.mark.parametrize(
    "code",
    [
        r're.compile(r"banned: (?P<reason>.*?)(?: \(until (?P<until>[^()]+ UTC)\))?", re.DOTALL)',
        r're.fullmatch(r"(.+) mentioned you in (.+)", title)',
        "re.compile(re.escape(sentence))",
    ],
)
def test_a_module_that_reads_a_sentence_is_found(code: str) -> None:
    assert problems("chat/example.py", patterns(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        r"const [, reason] = /^(?:banned(?:: |$))?(.*?)(?: \(until ([^()]+ UTC)\))?$/s.exec(text);",
        r"const WRITTEN = /^(\d\d) (\w+) (\d{4}), (\d\d):(\d\d) UTC$/;",
        "found = new RegExp(`^${places}$`, 's');",
    ],
)
def test_a_script_that_reads_a_sentence_is_found(code: str) -> None:
    assert problems("chat/static/chat/example.js", in_script(f"{code}\n"))
