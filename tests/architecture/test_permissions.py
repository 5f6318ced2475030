"""A permission is given everything that it decides about, so a value that is missing denies."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat import policies
from tests.architecture.source import PACKAGES, called, modules, tree

POLICIES = [path for path in modules(*PACKAGES) if path.name == "policies.py"]
ABOUT_MUTES = ("check_may_write", "check_may_react", "check_not_muted")


def guesses(code: ast.Module) -> Iterator[int]:
    """Yield the lines that read an attribute or a key with a value for "not loaded"."""
    for node in ast.walk(code):
        if isinstance(node, ast.Call):
            name, given = called(node), len(node.args)
            if (name, given) in (("getattr", 3), ("get", 2)) or name == "hasattr":
                yield node.lineno


def calls_without_the_mute(code: ast.Module) -> Iterator[int]:
    """Yield the lines that ask for a permission to write and do not pass the site mute."""
    for node in ast.walk(code):
        if (
            isinstance(node, ast.Call)
            and called(node) in ABOUT_MUTES
            and "site_muted_until" not in {keyword.arg for keyword in node.keywords}
        ):
            yield node.lineno


@pytest.mark.parametrize("path", POLICIES, ids=str)
def test_no_permission_reads_an_attribute_with_a_default(path: Path) -> None:
    assert list(guesses(tree(path))) == []


def test_a_default_for_an_attribute_is_found() -> None:
    code = ast.parse("until = getattr(membership, 'site_muted_until', None)")
    assert list(guesses(code)) == [1]


@pytest.mark.parametrize("name", ABOUT_MUTES)
def test_the_site_mute_is_a_required_argument(name: str) -> None:
    mute = inspect.signature(getattr(policies, name)).parameters["site_muted_until"]
    assert mute.default is inspect.Parameter.empty


@pytest.mark.parametrize("path", modules(*PACKAGES), ids=str)
def test_every_caller_passes_the_site_mute(path: Path) -> None:
    assert list(calls_without_the_mute(tree(path))) == []


def test_a_caller_without_the_site_mute_is_found() -> None:
    code = ast.parse("policies.check_may_write(room, member, now=now)")
    assert list(calls_without_the_mute(code)) == [1]
