"""Rules for pages and their files: nothing inline, nothing from elsewhere, one socket module."""

import re
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGES, ROOT

TEMPLATES = sorted(
    path.relative_to(ROOT)
    for folder in ("templates", *(f"{package}/templates" for package in PACKAGES))
    for path in (ROOT / folder).rglob("*.html")
)
STATIC = [ROOT / package / "static" for package in PACKAGES]
SCRIPTS = sorted(
    path.relative_to(ROOT)
    for directory in STATIC
    for path in directory.rglob("*.js")
    if "vendor" not in path.parts
)
# More than in Python: types are in comments, and Biome breaks lines often.
MAX_LINES = 450
STYLES = sorted(path.relative_to(ROOT) for directory in STATIC for path in directory.rglob("*.css"))

SCRIPT_TESTS = sorted(path.relative_to(ROOT) for path in (ROOT / "tests" / "js").rglob("*.js"))

SAFE = {
    # Sanitised by the server when the message is posted.
    "message.html",
    # Django's own list of password rules.
    "field.help_text",
}
PHYSICAL = re.compile(
    r"""(?<![\w-])(?:
        (?:left|right|(?:scroll-)?(?:margin|padding)-(?:left|right)|border-(?:left|right)[\w-]*|border-(?:top|bottom)-(?:left|right)-radius)\s*:
        |(?:text-align|float|clear)\s*:\s*(?:left|right)\b
        |(?:margin|padding|inset)\s*:(?:\s+[\w.()-]+){4}\s*;  # top right bottom left
    )""",
    re.VERBOSE,
)
COMMENT = re.compile(r"//.*?$|/\*.*?\*/", re.DOTALL | re.MULTILINE)


LOADED = re.compile(
    r"""(?:src|href)=["']https?://|url\(["']?https?://|@import\s+["'(]?\s*url\(["']?https?:"""
)
WRITES_MARKUP = re.compile(
    r"\b(?:outerHTML|insertAdjacentHTML|document\.write|eval|new Function)\b"
)
PARSES_MARKUP = re.compile(r"\binnerHTML\b|DOMParser|createContextualFragment|setHTML")
OPENS_SOCKET = re.compile(r"new WebSocket\b")
TOUCHES_PAGE = re.compile(
    r"\b(?:document\.(?:query|create|get|body|head)\w*|HTMLElement|customElements)\b"
)


def code(text: str) -> str:
    """Remove the comments of a script or a style sheet."""
    return COMMENT.sub("", text)


def read(path: Path) -> str:
    return (ROOT / path).read_text()


def inline(text: str) -> list[str]:
    """Return inline scripts, styles and handlers of a template."""
    scripts = [tag for tag in re.findall(r"<script[^>]*>", text) if "src=" not in tag]
    return scripts + re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)


def unescaped(text: str) -> set[str]:
    """Return the values that a template writes unescaped without being allowed to."""
    found = set(re.findall(r"\{\{\s*([\w.]+)\s*\|\s*safe\b", text)) - SAFE
    return found | set(re.findall(r"autoescape off", text))


def is_too_long(text: str) -> bool:
    return len(text.splitlines()) > MAX_LINES


@pytest.mark.parametrize("path", TEMPLATES, ids=str)
def test_a_template_has_nothing_inline(path: Path) -> None:
    assert inline(read(path)) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=str)
def test_a_template_escapes_its_values(path: Path) -> None:
    assert unescaped(read(path)) == set()


@pytest.mark.parametrize("path", [*TEMPLATES, *STYLES], ids=str)
def test_nothing_is_loaded_from_elsewhere(path: Path) -> None:
    assert LOADED.findall(read(path)) == []


@pytest.mark.parametrize("path", STYLES, ids=str)
def test_a_style_knows_no_left_and_no_right(path: Path) -> None:
    """Arabic is written from right to left, so styles use ``padding-inline-start``."""
    assert PHYSICAL.findall(code(read(path))) == []


@pytest.mark.parametrize("path", [*SCRIPTS, *STYLES, *SCRIPT_TESTS], ids=str)
def test_a_file_of_a_page_is_short_enough_to_read(path: Path) -> None:
    assert not is_too_long(read(path))


@pytest.mark.parametrize("path", SCRIPTS, ids=str)
def test_a_script_writes_text_as_text(path: Path) -> None:
    assert WRITES_MARKUP.findall(code(read(path))) == []


def test_html_of_the_server_enters_a_page_at_two_places() -> None:
    """One module inserts messages, sanitised by the server, and one refreshes the nodes page."""
    doors = [str(path) for path in SCRIPTS if PARSES_MARKUP.search(code(read(path)))]
    assert doors == ["chat/static/chat/lib/dom.js", "realtime/static/realtime/admin/nodes.js"]


def test_one_module_touches_the_socket() -> None:
    doors = [str(path) for path in SCRIPTS if OPENS_SOCKET.search(code(read(path)))]
    assert doors == ["realtime/static/realtime/connection/socket.js"]


@pytest.mark.parametrize(
    "path",
    [path for path in SCRIPTS if path.parts[0] == "realtime" and path.parent.name != "admin"],
    ids=str,
)
def test_the_client_library_knows_no_page(path: Path) -> None:
    assert TOUCHES_PAGE.findall(code(read(path))) == []


TEMPLATE_VIOLATIONS = [
    "<script>start();</script>",
    "<style>p { color: red }</style>",
    '<p style="color: red">',
    '<button onclick="start()">',
    '<a href="javascript:start()">',
]


@pytest.mark.parametrize("text", TEMPLATE_VIOLATIONS)
def test_something_inline_is_found(text: str) -> None:
    assert inline(text) != []


def test_an_unescaped_value_is_found() -> None:
    assert unescaped("{{ message.html|safe }}{{ room.name | safe }}") == {"room.name"}
    assert unescaped("{% autoescape off %}") == {"autoescape off"}


VIOLATIONS = [
    (LOADED, '<img src="https://cdn.example/x.png">'),
    (LOADED, "background: url(https://cdn.example/x.png);"),
    (LOADED, '@import url("https://cdn.example/x.css");'),
    (PHYSICAL, "p { padding-left: 1em; }"),
    (PHYSICAL, "p { text-align: right; }"),
    (PHYSICAL, "p { margin: 0 1em 0 2em; }"),
    (WRITES_MARKUP, "list.insertAdjacentHTML('beforeend', text);"),
    (PARSES_MARKUP, "element.innerHTML = text;"),
    (OPENS_SOCKET, "const socket = new WebSocket(url);"),
    (TOUCHES_PAGE, "document.querySelector('main');"),
]


@pytest.mark.parametrize(("pattern", "text"), VIOLATIONS)
def test_a_violation_is_found(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.search(code(text) if "://" not in text else text)


def test_a_comment_is_no_violation() -> None:
    assert not OPENS_SOCKET.search(code("// new WebSocket(url)\n/* new WebSocket(url) */"))


def test_a_long_file_is_found() -> None:
    assert is_too_long("x\n" * (MAX_LINES + 1))


def test_scripts_styles_and_templates_are_found() -> None:
    assert TEMPLATES
    assert STYLES
    assert SCRIPTS
