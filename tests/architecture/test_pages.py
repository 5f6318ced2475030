"""What pages and their files promise: nothing inline, nothing from elsewhere, one door to the socket."""

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
MAX_LINES = 500  # more than of Python: types are in comments, and Biome breaks lines often
STYLES = sorted(path.relative_to(ROOT) for directory in STATIC for path in directory.rglob("*.css"))

SAFE = {
    "message.html",  # sanitised by the server, once per message
    "field.help_text",  # Django's own list of what a password must be
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


def code(path: Path) -> str:
    return COMMENT.sub("", (ROOT / path).read_text())


@pytest.mark.parametrize("path", TEMPLATES, ids=str)
def test_a_template_has_nothing_inline(path: Path) -> None:
    text = (ROOT / path).read_text()
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:", text) == []
    assert [tag for tag in re.findall(r"<script[^>]*>", text) if "src=" not in tag] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=str)
def test_a_template_trusts_nothing_unescaped(path: Path) -> None:
    text = (ROOT / path).read_text()
    assert set(re.findall(r"\{\{\s*([\w.]+)\s*\|\s*safe\b", text)) <= SAFE
    assert "autoescape off" not in text


@pytest.mark.parametrize("path", [*TEMPLATES, *STYLES], ids=str)
def test_nothing_is_loaded_from_elsewhere(path: Path) -> None:
    assert (
        re.findall(
            r"""(?:src|href)=["']https?://|url\(["']?https?://|@import\s+["'(]?\s*url\(["']?https?:""",
            (ROOT / path).read_text(),
        )
        == []
    )


@pytest.mark.parametrize("path", STYLES, ids=str)
def test_a_style_knows_no_left_and_no_right(path: Path) -> None:
    """What begins at the left in English begins at the right in Arabic: ``padding-inline-start``, ``text-align: start``."""
    assert PHYSICAL.findall(code(path)) == []


@pytest.mark.parametrize("path", [*SCRIPTS, *STYLES], ids=str)
def test_a_file_of_a_page_can_be_read_in_one_go(path: Path) -> None:
    assert len((ROOT / path).read_text().splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", SCRIPTS, ids=str)
def test_a_script_writes_text_as_text(path: Path) -> None:
    assert (
        re.findall(
            r"\b(?:outerHTML|insertAdjacentHTML|document\.write|eval|new Function)\b", code(path)
        )
        == []
    )


def test_html_of_the_server_enters_a_page_at_one_place() -> None:
    """Messages with markup come as HTML that the server has sanitised; one module puts it in, and one renews the page of the nodes."""
    doors = [
        path
        for path in SCRIPTS
        if re.search(r"\binnerHTML\b|DOMParser|createContextualFragment|setHTML", code(path))
    ]
    assert sorted(map(str, doors)) == [
        "chat/static/chat/lib/dom.js",
        "realtime/static/realtime/admin/nodes.js",
    ]


def test_one_module_touches_the_socket() -> None:
    assert [path.name for path in SCRIPTS if re.search(r"new WebSocket\b", code(path))] in (
        [],
        ["socket.js"],
    )


@pytest.mark.parametrize(
    "path",
    [path for path in SCRIPTS if path.parts[0] == "realtime" and path.parent.name != "admin"],
    ids=str,
)
def test_the_client_library_knows_no_page(path: Path) -> None:
    assert (
        re.findall(
            r"\b(?:document\.(?:query|create|get|body|head)\w*|HTMLElement|customElements)\b",
            code(path),
        )
        == []
    )
