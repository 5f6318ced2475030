"""The documents agree with the code: settings, commands, codes, figures and tests."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands
from prometheus_client import CollectorRegistry

from chat.api.handlers import commands
from realtime import settings as project_settings
from realtime.core.metrics import registry
from realtime.protocol.codes import CloseCode
from realtime.protocol.errors import HoldfastError
from realtime.protocol.page import PAGE_MAX_EVENTS, REPLY_MAX_EVENTS
from realtime.protocol.presence import LISTED_MAX
from realtime.site.options import HOLDFAST_MAX_MESSAGE_BYTES
from tests.architecture.source import PACKAGES, ROOT, modules, tree_of_errors

DOCUMENTS = sorted(
    path.relative_to(ROOT)
    for path in [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / ".github").rglob("*.md"),
    ]
)
README_LINES = 150
DECISION_LINES = 40
DOCUMENT_COLUMNS = 120
GLOSSARY_WORDS = 40

SETTING_ROW = re.compile(r"^\| `([A-Z][A-Z_]+)` \| ([^|]*?) \|", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)")
NAMED_TEST = re.compile(r"\b(tests/[\w/.-]+\.(?:py|js))(?:::(\w+))?")
PERIODS = {"every second": 1.0, "twice a second": 0.5, "once a minute": 60.0}  # in seconds
UNITS = {"": 1, "s": 1, "ms": 1 / 1000, "bytes": 1, "KiB": 1024}
FIGURE = re.compile(
    rf"(?:({'|'.join(PERIODS)})|(\d[\d,]*(?:\.\d+)?) ?({'|'.join(UNITS)}))"
    r" \(`([A-Z][A-Z_]+)`\)"
)
NAMED_FILE = re.compile(
    r"`((?:holdfast|realtime|chat|notifications|templates|nginx)/[\w./-]*)(?:: [#\w.]+)?`"
)


def text(name: str) -> str:
    return (ROOT / name).read_text()


def test_every_setting_is_in_the_table_of_operations() -> None:
    described = {name for name, _ in SETTING_ROW.findall(text("docs/operations.md"))}
    assert described == set(project_settings.env.asked)


def test_the_table_of_operations_has_the_defaults() -> None:
    rows = dict(SETTING_ROW.findall(text("docs/operations.md")))
    asked = {
        name: default
        for name, default in project_settings.env.asked.items()
        if isinstance(default, int | float) and name in rows
    }
    # Those that follow from DEBUG are described in words.
    wrong = {
        name: (rows[name], default)
        for name, default in asked.items()
        if not isinstance(default, bool) and number(rows[name]) != default
    }
    assert wrong == {}


def number(cell: str) -> float | None:
    found = re.search(r"\d[\d\s,_]*(?:\.\d+)?", cell)
    return float(re.sub(r"[\s,_]", "", found[0])) if found else None


def test_every_limit_is_read_somewhere() -> None:
    declared = {"realtime/settings.py", "realtime/site/options.py"}
    source = "".join(text(str(path)) for path in modules(*PACKAGES) if str(path) not in declared)
    own = "".join(map(text, declared))
    limits = [
        name
        for name in project_settings.env.asked
        if name.startswith("HOLDFAST_") and name not in {"HOLDFAST_VAR_DIR", "HOLDFAST_APPS"}
    ]
    unread = [name for name in limits if name not in source and own.count(name) < 3]
    assert unread == []


def test_every_command_is_in_the_protocol() -> None:
    page = text("docs/protocol.md")
    missing = [
        name
        for name in sorted(commands.names | {"subscribe", "pull", "unsubscribe"})
        if f"`{name}`" not in page
    ]
    assert missing == []


def test_every_error_is_in_the_protocol() -> None:
    page = text("docs/protocol.md")
    assert [
        kind.code
        for kind in tree_of_errors(HoldfastError)
        if kind.__module__.split(".")[0] in PACKAGES and f"`{kind.code}`" not in page
    ] == []


def test_every_close_code_is_in_the_protocol() -> None:
    page = text("docs/protocol.md")
    assert [code for code in CloseCode if not re.search(rf"\| {code.value} \|", page)] == []


def test_every_management_command_is_in_operations() -> None:
    page = text("docs/operations.md")
    ours = [name for name, package in get_commands().items() if package in PACKAGES]
    assert [name for name in ours if not re.search(rf"manage\.py {name}\b", page)] == []


def test_every_metric_is_in_operations() -> None:
    page = text("docs/operations.md")
    assert [name for name in metric_names(registry) if f"`{name}`" not in page] == []


def metric_names(found: CollectorRegistry) -> list[str]:
    return sorted(
        {family.name for family in found.collect() if family.name.startswith("holdfast_")}
    )


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_links_lead_somewhere(path: Path) -> None:
    targets = LINK.findall(text(str(path)))
    assert [
        target for target in targets if not (ROOT / path).parent.joinpath(target).exists()
    ] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_named_tests_exist(path: Path) -> None:
    missing = []
    for file, name in NAMED_TEST.findall(text(str(path))):
        if not (ROOT / file).exists() or (name and not re.search(rf"\b{name}\b", text(file))):
            missing.append(f"{file}::{name}" if name else file)
    assert missing == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_named_files_exist(path: Path) -> None:
    named = NAMED_FILE.findall(text(str(path)))
    assert [file for file in named if not (ROOT / file).exists()] == []


def test_a_file_that_is_gone_is_found() -> None:
    assert NAMED_FILE.findall("`realtime/core/gone.py: page` and `chat/pages/`") == [
        "realtime/core/gone.py",
        "chat/pages/",
    ]


def test_every_promise_names_its_test() -> None:
    promises = re.split(r"^## ", text("docs/guarantees.md"), flags=re.MULTILINE)[1:]
    assert [
        promise.splitlines()[0]
        for promise in promises
        if re.match(r"\d", promise) and not NAMED_TEST.search(promise)
    ] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_a_document_has_short_lines(path: Path) -> None:
    """Markdown cannot break a row of a table; all other lines have 120 columns."""
    lines = enumerate(text(str(path)).splitlines(), 1)
    assert [
        number
        for number, line in lines
        if len(line) > DOCUMENT_COLUMNS and not line.startswith("|")
    ] == []


def test_the_glossary_is_short_and_sorted() -> None:
    words = re.findall(
        r"^\| ([a-z ]+) \|", text("docs/architecture.md").split("## Glossary")[1], re.MULTILINE
    )[1:]
    assert len(words) <= GLOSSARY_WORDS
    assert words == sorted(set(words))


@pytest.mark.parametrize("page", ["architecture", "guarantees", "operations"])
def test_the_pages_know_how_often_heads_are_checked_without_the_broker(page: str) -> None:
    named = [name for _, name in figures(text(f"docs/{page}.md"))]
    assert "HOLDFAST_HEAD_CHECK_DEGRADED_SECONDS" in named


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_a_figure_before_the_name_of_a_setting_is_its_default(path: Path) -> None:
    found = figures(text(str(path)))
    assert [(name, value) for value, name in found if default(name) != value] == []


def test_a_figure_that_differs_is_found() -> None:
    assert figures(
        "runs every second\n(`DRAIN_SECONDS`), up to 65,536 bytes (`PORT`), 50 ms (`AGE`)"
    ) == [
        (1.0, "DRAIN_SECONDS"),
        (65536.0, "PORT"),
        (0.05, "AGE"),
    ]
    assert default("DRAIN_SECONDS") != 1.0


def figures(page: str) -> list[tuple[float, str]]:
    """The figures that name the setting they come from: ``twice a second (`SETTING`)``."""
    return [
        (PERIODS[phrase] if phrase else float(digits.replace(",", "")) * UNITS[unit], name)
        for phrase, digits, unit, name in FIGURE.findall(" ".join(page.split()))
    ]


def default(name: str) -> float:
    """The default of a setting, or the value of a constant."""
    value = project_settings.env.asked.get(name)
    if isinstance(value, int | float):
        return float(value)
    source = "\n".join(text(str(path)) for path in modules(*PACKAGES))
    [constant] = re.findall(rf"^{name}(?:: Final)? = ([\d_.]+)", source, re.MULTILINE)
    return float(constant)


@pytest.mark.parametrize(
    ("sentence", "figure"),
    [
        (r"An inbound message may have (\d+) KiB", HOLDFAST_MAX_MESSAGE_BYTES / 1024),
        (r"A page holds at most (\d+) events", PAGE_MAX_EVENTS),
        (r"and a reply at most (\d+)", REPLY_MAX_EVENTS),
        (r"ids only in rooms of at most (\d+) present", LISTED_MAX),
    ],
)
def test_the_protocol_names_the_limits_that_the_server_has(sentence: str, figure: float) -> None:
    stated = re.search(sentence, " ".join(text("docs/protocol.md").split()))
    assert stated is not None
    assert float(stated[1]) == figure


def test_the_readme_is_short() -> None:
    assert len(text("README.md").splitlines()) <= README_LINES


DECISIONS = [path for path in DOCUMENTS if path.parts[:2] == ("docs", "decisions")]


def test_decisions_are_numbered_without_a_double() -> None:
    """A gap is the number of a decision that is not taken yet, or never was."""
    numbers = [int(path.name[:4]) for path in DECISIONS]
    assert len(set(numbers)) == len(numbers)
    assert [text(str(path)).split(".")[0] for path in DECISIONS] == [
        f"# {number}" for number in numbers
    ]


@pytest.mark.parametrize("path", DECISIONS, ids=str)
def test_a_decision_is_short(path: Path) -> None:
    assert len(text(str(path)).splitlines()) <= DECISION_LINES


@pytest.mark.parametrize("path", DECISIONS, ids=str)
def test_a_decision_has_a_context_a_decision_and_consequences(path: Path) -> None:
    assert re.findall(r"^## (.*)", text(str(path)), re.MULTILINE) == [
        "Context",
        "Decision",
        "Consequences",
    ]
