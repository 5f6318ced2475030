"""One form of a date with its time, with its zone where the reader's is not known."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.utils import timezone, translation

from chat.admin.formatting import moment
from tests.support.server import ROOT

TEMPLATES = [
    path
    for app in ("chat", "notifications", "realtime", "templates")
    for path in sorted((ROOT / app).rglob("*.html"))
]
# For programs, a field for a time, and the clock of something in the last minutes.
OTHERS = {"'c'", "'H:i'", '"H:i:s"'}
AT = datetime(2026, 3, 9, 8, 5, 7, tzinfo=UTC)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_page_has_a_form_of_its_own(path: Path) -> None:
    found = re.findall(r"\|(?:date|time):(_\([^)]*\)|\"[^\"]*\"|'[^']*')", path.read_text())
    assert set(found) <= OTHERS


def test_a_moment_says_its_zone_until_the_readers_is_known() -> None:
    assert moment(AT) == (
        '<time datetime="2026-03-09T08:05:07+00:00" title="9 Mar 2026, 08:05:07 UTC">'
        "9 Mar 2026, 08:05 UTC</time>"
    )
    with timezone.override("Europe/Berlin"):
        assert ">9 Mar 2026, 09:05</time>" in moment(AT)
    with translation.override("de"):
        assert "9. Mär 2026, 08:05:07 UTC" in moment(AT)
    assert moment(None) == "—"
