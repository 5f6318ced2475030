"""``python -m tests.bench.search_scripts``: the search index of several scripts, and its speed.

The messages are those of ``tests.bench.storage``, written in other scripts. The report is
docs/benchmarks/search.md.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, Final

from tests.bench import storage
from tests.support.postgres import Postgres
from tests.support.server import ROOT

REPORT: Final = ROOT / "docs" / "benchmarks" / "search.md"
MESSAGES: Final = 100_000
ACCENTED: Final = str.maketrans("aou", "äöü")
ARABIC: Final = str.maketrans("bcdfghklmnprstvwaeiou", "بجدفغهقلمنرزستشحاويعص")
BEFORE: Final = ("", "ال", "و", "", "وال")  # and, the
PARTICLES: Final = ("은", "는", "이", "가", "을", "를", "에서")


def _plain(word: str, _place: int) -> str:
    return f"{word} "


def _accented(word: str, place: int) -> str:
    """Write every fifth word with accents, as in German."""
    return f"{word.translate(ACCENTED) if place % 5 == 0 else word} "


def _together(word: str, _place: int) -> str:
    """Write two letters as one sign, without blanks, as in Chinese and Japanese."""
    return "".join(chr(0x4E00 + hash_of(word[at : at + 2])) for at in range(0, len(word), 2))


def _korean(word: str, place: int) -> str:
    signs = "".join(chr(0xAC00 + hash_of(word[at : at + 2])) for at in range(0, len(word), 2))
    return f"{signs}{PARTICLES[place % len(PARTICLES)]} "


def _arabic(word: str, place: int) -> str:
    return f"{BEFORE[place % len(BEFORE)]}{word.translate(ARABIC)} "


def hash_of(letters: str) -> int:
    found = 0
    for letter in letters:
        found = (found * 31 + ord(letter)) % 3000
    return found


SCRIPTS: Final[dict[str, Callable[[str, int], str]]] = {
    "Latin without accents": _plain,
    "Latin with accents": _accented,
    "Arabic": _arabic,
    "Korean": _korean,
    "Chinese": _together,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--measure", choices=SCRIPTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        sys.stdout.write(json.dumps(_measure(options.measure, options.messages)))
        return 0
    lines = [
        "# Search in several scripts",
        "",
        f"Written by `python -m tests.bench.search_scripts`: {options.messages:,} messages of "
        f"{storage.WORDS} words. Bytes of a message, and median ms of a search.",
    ]
    for database in ("SQLite", "PostgreSQL"):
        lines += [
            "",
            f"## {database}",
            "",
            "| script | text | stored words | index | rare word | common word | phrase | beginning |",
            "|---|--:|--:|--:|--:|--:|--:|--:|",
        ]
        for script in SCRIPTS:
            found = _in_database(database, script, options.messages)
            lines.append(
                f"| {script} | " + " | ".join(f"{value:.0f}" for value in found.values()) + " |"
            )
    text = "\n".join(lines) + "\n"
    sys.stdout.write(text)
    REPORT.write_text(text)
    return 0


def _in_database(database: str, script: str, messages: int) -> dict[str, float]:
    if database == "PostgreSQL":
        with Postgres() as server:
            return _child(server.url, script, messages)
    with tempfile.TemporaryDirectory() as directory:
        return _child(f"sqlite:///{directory}/search.sqlite3", script, messages)


def _child(url: str, script: str, messages: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.search_scripts", "--measure", script]
    done = subprocess.run(
        [*command, "--messages", str(messages)],
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdout=subprocess.PIPE,
        check=True,
        cwd=ROOT,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _measure(script: str, count: int) -> dict[str, float]:
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection

    from chat.queries.search import index
    from chat.queries.search.query import parse

    write = SCRIPTS[script]

    def texts() -> Iterator[str]:
        for text in latin():
            yield "".join(write(word, place) for place, word in enumerate(text.split()))

    latin: Any = storage._texts
    storage._texts = texts
    call_command("migrate", verbosity=0)
    storage._fill(count)
    with connection.cursor() as cursor:
        length = "octet_length" if connection.vendor == "postgresql" else "length"
        cast = "" if connection.vendor == "postgresql" else "CAST({} AS BLOB)"
        body, words = (cast.format(name) or name for name in ("body", "search_text"))
        cursor.execute(
            f"SELECT avg({length}({body})), coalesce(sum({length}({words})), 0) FROM chat_message"
        )
        text_bytes, words_bytes = cursor.fetchone()
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    sizes = storage._sizes()
    reader = User.objects.get(username="person0")
    chance = random.Random(11)

    def word(low: int, high: int) -> str:
        return write(storage._word(chance.randint(low, high)), 1).strip()

    asked: dict[str, Callable[[], str]] = {
        "rare": lambda: f"{word(20_000, 49_000)} ",
        "common": lambda: f"{word(1, 30)} ",
        "phrase": lambda: f'"{word(1, 30)} {word(1, 30)}"',
        "beginning": lambda: word(20_000, 49_000)[:4],
    }

    def timed(ask: Callable[[], str]) -> float:
        return storage._timed(lambda: index.find(reader.pk, parse(ask())))[0]

    return {
        "text": float(text_bytes),
        "words": float(words_bytes) / count,
        "index": sum(size for name, size in sizes.items() if "search" in name) / count,
    } | {name: timed(ask) for name, ask in asked.items()}


if __name__ == "__main__":
    sys.exit(main())
