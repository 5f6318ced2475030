"""docs/upgrading.md has a section for every version, with all that a section must state."""

import re

from tests.support.server import ROOT

PAGE = (ROOT / "docs" / "upgrading.md").read_text()
STATES = re.findall(
    r"^- \*\*(.+?)\*\*:",
    PAGE.split("## What every version states")[1].split("\n## ")[0],
    re.MULTILINE,
)


def test_every_version_of_the_changelog_has_a_section_that_states_everything() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    versions = [
        name.strip("[]") for name in re.findall(r"^## (\[?[\w.]+\]?)", changelog, re.MULTILINE)
    ]
    assert versions
    assert len(STATES) == 6
    for version in versions:
        [section] = re.findall(
            rf"^## {re.escape(version)}$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL
        )
        assert re.findall(r"^- \*\*(.+?)\*\*:", section, re.MULTILINE) == STATES
