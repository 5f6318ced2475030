"""Retired words and habits stay out of the documents and of the source.

``WORDS`` holds for prose: documents, comments, docstrings and strings. ``NAMES`` holds for names in
the code. Add a folder or a file to ``FOLDERS`` once it is free of both.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.architecture.source import ROOT

FOLDERS = (
    "docs",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    ".github",
    "holdfast",
    "realtime",
    "notifications",
    "chat",
    "templates",
    "nginx",
    "tests",
)
SUFFIXES = {".md", ".py", ".js", ".css", ".html", ".yml"}
LEFT_OUT = {"vendor", "migrations", "node_modules", "locale"}

WORDS: tuple[tuple[str, str], ...] = (
    (r"\btold\b", "notified, or an active verb"),
    (r"\bsaid\b", "text, message, reported"),
    (r"\bheard\b", "received"),
    (r"\blately\b", "recently"),
    (r"\b(?:some|any|every)body\b", "someone, anyone, everyone, or user"),
    (r"\bwhom\b", "name the person"),
    (r"\bwhoever\b", "anyone who"),
    (r"\b(?:stands?|stood|standing)\b(?! (?:for|alone)\b)", "is, exists, in effect"),
    (r", and not\b", "but not"),
    (r"(?:^|(?<=[.!:;] ))(?-i:Who|What)\b[^?.!]*(?:[.!]|$)", "name the subject"),
    (r"\bone's own\b", "their own"),
    (r"\bwithout a word\b", "silently, without warning"),
    (r"\bin one go\b", "at once"),
    (r"\bhardly ever\b|\bseldom\b", "rarely"),
    (r"\bthe desk\b|\bmoderators' desk\b|\bat the desk\b", "the admin"),
    (r"\bstop ?watch(?:es)?\b", "revocation timing"),
    (r"\bheirs?\b", "next owner"),
)
"""Patterns that match in prose, in any case, with the words to use instead."""

NAMES: dict[str, str] = {
    "Aloud": "LiveRegion",
    "Answers": "Subscriptions",
    "Followed": "TailRegistry",
    "LiveTail": "StreamTail",
    "PresenceDesk": "PresenceTracker",
    "Seats": "TabSubscriptions",
    "Sweeps": "HeadCheck",
    "Wish": "NotificationPreference",
    "deeds": "log_sentences",
    "flooding": "rate_limit",
    "hasArrived": "hasMessage",
    "heir": "next_owner",
    "lane": "orderingKey",
    "lonely": "has_no_peers",
    "memberActs": "memberActions",
    "mentioning": "mention_rows",
    "reign": "leadership",
    "rulebook": "filter_cache",
    "seal": "password_fingerprint",
    "sweeps": "head_check",
    "unnaming": "name_scrubbing",
    "vacated": "released",
    "wakefulness": "page_lifecycle",
}
"""Whole names that were retired, with their successors."""

FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`[^`\n]*`")
BLOCK = re.compile(r"\s*(?:[-*#]+|\d+\.) |\s*$")
TARGET = re.compile(r"\]\([^)\s]*\)")
TAG = re.compile(r"<[^>]*>|\{[{%#].*?[}%#]\}", re.DOTALL)
SCRIPT_PART = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)"""
    r"""|(?P<string>'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)""",
    re.DOTALL,
)
NAME = re.compile(r"[A-Za-z_]\w*")


class Found(NamedTuple):
    """A retired word or name."""

    line: int
    text: str
    instead: str


class Source(NamedTuple):
    """A file taken apart: its prose and its code, each with the line on which it begins."""

    prose: list[tuple[int, str]]
    code: list[tuple[int, str]]


def blank(pattern: re.Pattern[str], text: str) -> str:
    """Remove what matches, and keep the lines where they are."""
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def line_at(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def document(text: str) -> Source:
    """Return the paragraphs of a document as prose, and its code spans as code."""
    prose = blank(TARGET, blank(CODE, blank(FENCE, text)))
    spans = [
        (line_at(text, found.start()), found[0]) for found in CODE.finditer(blank(FENCE, text))
    ]
    names = [(line, span) for line, span in spans if not span.startswith("`tests/")]
    return Source(paragraphs(prose), names)


def paragraphs(text: str) -> list[tuple[int, str]]:
    """Return paragraphs, list items, headings and table cells, each joined into one line."""
    found: list[tuple[int, str]] = []
    joins = False  # whether the next line goes on with the block before it
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("|"):
            found += [(number, cell.strip()) for cell in line.split("|")]
        elif joins and not BLOCK.match(line):
            begun, words = found.pop()
            found.append((begun, f"{words} {line.strip()}"))
        else:
            found.append((number, BLOCK.sub("", line).strip()))
        joins = bool(line.strip()) and not line.startswith(("|", "#"))
    return [(number, words.replace("**", "")) for number, words in found]


def module(text: str) -> Source:
    """Return comments, docstrings and strings of Python as prose, and its names as code."""
    prose = [
        (node.lineno, re.sub(r"``.*?``", "", node.value))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
    ]
    code = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            prose.append((token.start[0], token.string.lstrip("# ")))
        elif token.type == tokenize.NAME:
            code.append((token.start[0], token.string))
    return Source([(line, re.sub(r"\s+", " ", words)) for line, words in prose], code)


def script(text: str) -> Source:
    """Return comments and strings of JavaScript or CSS as prose, and the rest as code."""
    prose = []
    for part in SCRIPT_PART.finditer(text):
        words = re.sub(r"`[^`]*`", "", part[0]) if part["comment"] else part[0][1:-1]
        words = re.sub(
            r"\s+", " ", re.sub(r"^\s*(?:/\*+|\*+/?|//)|\*/$", " ", words, flags=re.MULTILINE)
        )
        prose.append((line_at(text, part.start()), words.strip()))
    rest = blank(SCRIPT_PART, text).splitlines()
    return Source(prose, list(enumerate(rest, 1)))


def page(text: str) -> Source:
    """Return a template or a YAML file without its tags as prose."""
    return Source(list(enumerate(blank(TAG, text).splitlines(), 1)), [])


READERS = {".md": document, ".py": module, ".js": script, ".css": script}


def faults(text: str, suffix: str) -> Iterator[Found]:
    """Yield what is retired in a text of this kind of file."""
    source = READERS.get(suffix, page)(text)
    for line, words in source.prose:
        for pattern, instead in WORDS:
            for match in re.finditer(pattern, words, re.IGNORECASE):
                yield Found(line, match[0], instead)
    for line, code in source.code:
        for name in NAME.findall(code):
            if name in NAMES:
                yield Found(line, name, NAMES[name])


def files() -> list[Path]:
    roots = [ROOT / folder for folder in FOLDERS]
    found = [path for root in roots for path in ([root] if root.is_file() else root.rglob("*"))]
    # The samples of this file are retired words.
    others = [path for path in found if path.name != Path(__file__).name]
    chosen = [path.relative_to(ROOT) for path in others if path.suffix in SUFFIXES]
    return sorted(path for path in chosen if not LEFT_OUT & set(path.parts))


@pytest.mark.parametrize("path", files(), ids=str)
def test_a_file_is_free_of_retired_words(path: Path) -> None:
    assert list(faults((ROOT / path).read_text(), path.suffix)) == []


VIOLATIONS = [
    (".md", "Members are told\nabout it.", "told"),
    (".md", "- Who is banned stays so.", "Who is banned stays so."),
    (".md", "| role | Somebody who reads |", "Somebody"),
    (".md", "The `lane` of an entry.", "lane"),
    (".py", '"""Return whom to notify."""', "whom"),
    (".py", "x = 1  # changed lately", "lately"),
    (".py", "class LiveTail: ...", "LiveTail"),
    (".js", "/** It can be read, and not\n * written. */", ", and not"),
    (".js", "toast('Nothing was said here');", "said"),
    (".js", "entry.lane = 1;", "lane"),
    (".html", "<p class='x'>Nothing stands here</p>", "stands"),
    (".yml", "summary: The broker was not heard", "heard"),
]


@pytest.mark.parametrize(("suffix", "text", "word"), VIOLATIONS)
def test_a_retired_word_is_found(suffix: str, text: str, word: str) -> None:
    assert [found.text for found in faults(text, suffix)] == [word]


ALLOWED = [
    (
        ".md",
        "`told` and\n```\nsaid\n```\nA node that stands for another. See "
        "`tests/x.py::test_who_is_told`.",
    ),
    (".md", "Who may post?"),
    (".py", 'told = "told"'),
    (".js", "const told = seal2;"),
]


@pytest.mark.parametrize(("suffix", "text"), ALLOWED)
def test_code_in_a_document_and_questions_are_left_alone(suffix: str, text: str) -> None:
    assert list(faults(text, suffix)) == []
