"""Make the emoji of the picker, ``chat/static/chat/vendor/emoji/*.js``.

Usage: ``python -m tests.support.make_emoji node_modules/emojibase-data``.

Groups, order, English and German words are those of the npm package emojibase-data 17.0.0 (MIT,
from Unicode's CLDR); the codes are the ones that GitHub and Slack know; Arabic names are those of
the Python package emoji, which also knows what the server takes.
"""

import json
import sys
from pathlib import Path
from typing import Any

import emoji

from tests.support.server import ROOT

DIRECTORY = ROOT / "chat" / "static" / "chat" / "vendor" / "emoji"
NEWEST = 15.0  # of Unicode's emoji: what phones of 2023 can draw
GROUPS = {
    0: "smileys",
    1: "people",
    3: "nature",
    4: "food",
    5: "travel",
    6: "activities",
    7: "objects",
    8: "symbols",
    9: "flags",
}
MOST_CODES = 3
MOST_WORDS = 8


def main() -> None:
    emoji.config.load_language("ar")
    source = Path(sys.argv[1])
    english = [
        one | {"emoji": sign(one["emoji"])}
        for one in read(source, "en/data.json")
        if is_wanted(one)
    ]
    english.sort(key=lambda one: one["order"])
    german = {one["hexcode"]: one for one in read(source, "de/data.json")}
    known = [read(source, f"en/shortcodes/{name}.json") for name in ("github", "iamcal")]
    lines = [f"{one['emoji']} {' '.join(codes(one['hexcode'], known))}" for one in english]
    first = {
        group: next(index for index, one in enumerate(english) if one["group"] == group)
        for group in GROUPS
    }
    write(
        "all",
        lines,
        f"/** Where each group begins. */\nexport const GROUPS = "
        f"{json.dumps({GROUPS[at]: index for at, index in first.items()})};\n",
    )
    write("en", [said(one) for one in english])
    write("de", [said(german.get(one["hexcode"], one)) for one in english])
    write("ar", [arabic(one) for one in english])


def read(source: Path, name: str) -> Any:
    return json.loads((source / name).read_text())


def is_wanted(one: dict[str, Any]) -> bool:
    return one.get("group") in GROUPS and one["version"] <= NEWEST and sign(one["emoji"]) != ""


def sign(written: str) -> str:
    """Return the emoji as the server accepts it, without a needless variation selector, or ''."""
    return next(
        (
            one
            for one in (written, written.replace("\N{VARIATION SELECTOR-16}", ""))
            if emoji.is_emoji(one)
        ),
        "",
    )


def codes(hexcode: str, known: list[dict[str, Any]]) -> list[str]:
    found: dict[str, None] = {}
    for names in known:
        of_one = names.get(hexcode, [])
        found |= dict.fromkeys([of_one] if isinstance(of_one, str) else of_one)
    return list(found)[:MOST_CODES]


def said(one: dict[str, Any]) -> str:
    return f"{one['label']}|{' '.join(one.get('tags', [])[:MOST_WORDS])}"


def arabic(one: dict[str, Any]) -> str:
    entry = emoji.EMOJI_DATA[one["emoji"]]
    return f"{str(entry.get('ar', one['label'])).strip(':').replace('_', ' ')}|"


def write(name: str, lines: list[str], more: str = "") -> None:
    text = "\n".join(lines).replace("\\", "").replace("`", "")
    DIRECTORY.mkdir(exist_ok=True)
    (DIRECTORY / f"{name}.js").write_text(
        f"// Made by tests/support/make_emoji.py.\n\n{more}export default `\n{text}\n`;\n"
    )


if __name__ == "__main__":
    main()
