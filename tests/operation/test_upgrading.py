"""docs/upgrading.md has a section for every version, with all that a section must state."""

import re

from tests.support.server import ROOT


def sections(page: str) -> dict[str, str]:
    """Return the sections of a document by their titles."""
    titles = [*re.finditer(r"^## (.+)$", page, re.MULTILINE)]
    ends = [title.start() for title in titles[1:]] + [len(page)]
    return {
        title[1].split(" - ")[0].strip("[]"): page[title.end() : end]
        for title, end in zip(titles, ends, strict=True)
    }


def subjects(section: str) -> list[str]:
    return re.findall(r"^- \*\*(.+?)\*\*:", section, re.MULTILINE)


def test_every_version_of_the_changelog_has_a_section_that_states_everything() -> None:
    pages = sections((ROOT / "docs" / "upgrading.md").read_text())
    versions = list(sections((ROOT / "CHANGELOG.md").read_text()))
    wanted = subjects(pages["Contents of a section"])
    assert versions
    assert len(wanted) == 6
    for version in versions:
        assert subjects(pages[version]) == wanted
    order = [title for title in pages if title in versions]
    assert order == versions
