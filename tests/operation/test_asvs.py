"""docs/security-asvs.md has a row for every requirement of ASVS 5.0.0, levels 1 and 2."""

import re
from collections import Counter
from pathlib import PurePath

import pytest

from tests.support.server import ROOT

PAGE = (ROOT / "docs" / "security-asvs.md").read_text()
ROW = re.compile(r"^\| ([\d.]+) \| ([12]) \| ([^|]+) \| ([a-z ]+) \| ([^|]+) \|$", re.MULTILINE)
STATES = ("met", "partly", "waits", "not applicable")
# The levels of the requirements of each section, in their order: 1.2.1 to 1.2.5 are of level 1.
LEVELS = """
1.1:22 1.2:1111122223 1.3:112222222223 1.4:222 1.5:123 2.1:122 2.2:112 2.3:12223 2.4:23 3.1:3
3.2:113 3.3:12223 3.4:11222233 3.5:11122333 3.6:3 3.7:22333 4.1:12233 4.2:23333 4.3:22 4.4:1222
5.1:2 5.2:112333 5.3:113 5.4:222 6.1:122 6.2:111111112222 6.3:11223333 6.4:112233 6.5:22222333
6.6:2223 6.7:33 6.8:2222 7.1:222 7.2:1111 7.3:22 7.4:11222 7.5:223 7.6:22 8.1:1233 8.2:1123
8.3:133 8.4:23 9.1:111 9.2:1222 10.1:22 10.2:223 10.3:22223 10.4:1111122222233333 10.5:22222
10.6:22 10.7:222 11.1:2233 11.2:22233 11.3:11233 11.4:1222 11.5:23 11.6:23 11.7:33 12.1:12233
12.2:11 12.3:22223 13.1:2333 13.2:222223 13.3:2233 13.4:1222233 14.1:22 14.2:12223333 14.3:122
15.1:12233 15.2:12233 15.3:1222222 15.4:3333 16.1:2 16.2:22222 16.3:2222 16.4:222 16.5:2223
17.1:23 17.2:22223333 17.3:22
"""


def required() -> dict[str, str]:
    """Return the numbers of levels 1 and 2, each with its level."""
    sections = dict(each.split(":") for each in LEVELS.split())
    return {
        f"{section}.{number}": level
        for section, levels in sections.items()
        for number, level in enumerate(levels, 1)
        if level in "12"
    }


def rows() -> list[tuple[str, str, str, str, str]]:
    return [match.groups() for match in ROW.finditer(PAGE)]  # type: ignore[misc]


def test_every_requirement_has_one_row_in_order() -> None:
    assert len(required()) == 253
    assert [(number, level) for number, level, *_ in rows()] == list(required().items())


def test_every_line_of_a_table_is_such_a_row() -> None:
    lines = [line for line in PAGE.splitlines() if re.match(r"\| \d", line)]
    assert len(lines) == len(rows())


def test_the_states_are_counted_above() -> None:
    counted = Counter(state for _, _, _, state, _ in rows())
    assert set(counted) == set(STATES)
    said = ", ".join(f"{counted[state]} {state}" for state in STATES)
    assert f"\n{len(rows())} requirements: {said}.\n" in PAGE


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_row_says_where_or_why(row: tuple[str, str, str, str, str]) -> None:
    number, _, words, state, where = row
    # Our own few words: the standard's texts have a licence of their own.
    assert len(words) <= 80
    assert "verify that" not in words.lower()
    named = re.findall(r"`([\w.-]+(?:/[\w.-]+)+)`", where)
    assert [path for path in named if not (ROOT / PurePath(path)).exists()] == [], number
    if state == "partly":
        assert len(where) > 40


def test_most_of_what_is_met_names_its_test() -> None:
    met = [where for _, _, _, state, where in rows() if state == "met"]
    tested = [where for where in met if re.search(r"`tests/[\w/]+\.py`", where)]
    assert len(tested) > len(met) / 2
