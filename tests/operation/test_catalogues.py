"""The catalogues have the texts of the code: none is missing, and none is left over."""

import gettext
import re
import shutil
import subprocess
from pathlib import Path

import polib
import pytest

from tests.architecture.source import PACKAGES, ROOT

CATALOGUES = sorted(
    path.relative_to(ROOT)
    for name in (*PACKAGES, "templates")
    for path in (ROOT / name / "locale").rglob("*.po")
)
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")
# A language may say "one" or "two" instead of the number.
COUNT = {"%(count)s", "%(count)d", "%(counter)s", "%(over)s"}

Key = tuple[str | None, str, str]


def entries(path: Path) -> list[polib.POEntry]:
    return [entry for entry in polib.pofile(str(path)) if not entry.obsolete]


def key(entry: polib.POEntry) -> Key:
    return entry.msgctxt, entry.msgid, entry.msgid_plural


def texts(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


@pytest.fixture(scope="module")
def gathered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which ``make messages`` has just run."""
    copy = tmp_path_factory.mktemp("gathered")
    for name in (*PACKAGES, "holdfast", "templates", ".ci"):
        shutil.copytree(
            ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "fonts")
        )
    (copy / "tests").mkdir()
    for name in ("__init__.py", "settings.py", "extending"):
        (copy / "tests" / name).symlink_to(ROOT / "tests" / name)
    (copy / ".venv").symlink_to(ROOT / ".venv")
    done = subprocess.run(
        [copy / ".ci" / "messages"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return copy


@pytest.mark.parametrize("path", CATALOGUES, ids=str)
def test_a_catalogue_has_the_texts_of_the_code(path: Path, gathered: Path) -> None:
    ours, found = ({key(entry) for entry in entries(root / path)} for root in (ROOT, gathered))
    assert (found - ours, ours - found) == (set(), set()), (
        "run `make messages` and translate what is new"
    )


@pytest.mark.parametrize("path", CATALOGUES, ids=str)
def test_what_is_compiled_is_what_is_written(path: Path) -> None:
    with (ROOT / path).with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    written: dict[object, str] = {}
    for entry in entries(ROOT / path):
        name = entry.msgid if entry.msgctxt is None else f"{entry.msgctxt}\x04{entry.msgid}"
        if entry.translated():
            written |= (
                {(name, number): text for number, text in entry.msgstr_plural.items()}
                if entry.msgid_plural
                else {name: entry.msgstr}
            )
    assert {name: text for name, text in compiled.items() if name != ""} == written


@pytest.mark.parametrize("path", CATALOGUES, ids=str)
def test_a_translation_has_the_places_of_its_text(path: Path) -> None:
    assert [
        entry.msgid
        for entry in entries(ROOT / path)
        if entry.translated() and not _same_places(entry)
    ] == []


def _same_places(entry: polib.POEntry) -> bool:
    wanted = {*PLACEHOLDER.findall(entry.msgid), *PLACEHOLDER.findall(entry.msgid_plural)}
    may_lack = COUNT if entry.msgid_plural else set()
    return all(wanted - may_lack <= {*PLACEHOLDER.findall(text)} <= wanted for text in texts(entry))


@pytest.mark.parametrize("path", CATALOGUES, ids=str)
def test_a_language_that_is_promised_is_complete(path: Path) -> None:
    assert [
        entry.msgid for entry in entries(ROOT / path) if not entry.translated() or entry.fuzzy
    ] == []


def test_the_scripts_say_what_the_words_modules_say() -> None:
    """No other module has texts, so none can be left untranslated."""
    elsewhere = [
        path.relative_to(ROOT)
        for package in PACKAGES
        for path in (ROOT / package / "static").rglob("*.js")
        if path.name not in ("words.js", "language.js")
        and re.search(r"\bn?p?gettext\([^a-z]", path.read_text())
    ]
    assert elsewhere == []
