"""The pages with the bundle, as a release has them. ``TEST_BUNDLE=1`` runs every test with it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from chat import services
from chat.models import Room
from tests.browser.conftest import OpenPage
from tests.browser.screen import say, sent
from tests.conftest import People
from tests.support import templates
from tests.support.server import ROOT, Node, Nodes, environment

CODE = "```python\ndef anchor(depth):\n    return depth * 3  # metres\n```"


@pytest.fixture(scope="module")
def bundled_var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    var = tmp_path_factory.mktemp("bundled")
    templates.copy_static_files(var, bundled=True)
    return var


@pytest.fixture
def release(bundled_var: Path, transactional_db: None) -> Iterator[Node]:
    nodes = Nodes(bundled_var)
    yield nodes.start()
    nodes.stop()


def loaded(page: Page, ending: str) -> list[str]:
    """Return the files of a kind that the page has loaded."""
    found: list[str] = page.evaluate(
        "performance.getEntriesByType('resource').map((entry) => new URL(entry.name).pathname)"
    )
    return [path for path in found if path.startswith("/static/") and path.endswith(ending)]


def test_a_room_works_with_the_bundle(
    open_page: OpenPage, people: People, lab: Room, release: Node
) -> None:
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body=CODE)
    page = open_page(people.bob, "/rooms/lab/", at=release)
    say(page, "Low tide at six")
    sent(page, "Low tide")
    expect(page.locator(".hljs-keyword").first).to_have_text("def")
    page.get_by_role("button", name="Insert emoji").click()
    expect(page.locator("#emoji-picker").get_by_role("button", name="👍").first).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Inbox").first.click()
    expect(page.get_by_role("heading", name="Inbox")).to_be_visible()
    scripts = [*loaded(page, ".js"), *loaded(page, ".css")]
    assert scripts
    assert [path for path in scripts if not path.startswith("/static/bundle/")] == []


# Until a room can be written in. Growth is a decision: docs/benchmarks/open.md has the times.
MOST_REQUESTS = 10
MOST_KB = 165


def test_a_first_visit_is_small(
    open_page: OpenPage, people: People, lab: Room, release: Node
) -> None:
    for number in range(60):
        body = f"Line {number}: is that **you** over there, or only the *radio*?"
        services.post_message(author_id=people.alice.pk, room_id=lab.pk, body=body)
    page = open_page(people.bob, "/rooms/lab/", at=release)
    expect(page.locator('[data-slot="form"]')).to_have_attribute("data-state", "live")
    sizes: dict[str, int] = dict(
        page.evaluate(
            "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
            ".filter((entry) => /\\/(static|rooms|words)\\//.test(entry.name))"
            ".map((entry) => [entry.name, entry.transferSize])"
        )
    )
    assert len(sizes) <= MOST_REQUESTS, sizes
    assert sum(sizes.values()) <= MOST_KB * 1000, sizes


def test_an_account_page_works_with_the_bundle(
    open_page: OpenPage, people: People, release: Node
) -> None:
    """It has several modules, which share what they import."""
    page = open_page(people.alice, "/accounts/", at=release)
    expect(page.locator("[data-bell]")).to_be_visible()
    scripts = loaded(page, ".js")
    assert len(scripts) > 2
    assert [path for path in scripts if not path.startswith("/static/bundle/")] == []


def test_two_builds_give_the_same_bytes(tmp_path: Path, transactional_db: None) -> None:
    made = []
    for name in ("one", "two"):
        env = {**environment(tmp_path), "HOLDFAST_BUNDLE_DIR": str(tmp_path / name)}
        subprocess.run([ROOT / ".ci" / "bundle", "--verbosity", "0"], env=env, check=True)
        folder = tmp_path / name
        made.append(
            {
                path.relative_to(folder): path.read_bytes()
                for path in folder.rglob("*")
                if path.is_file()
            }
        )
    assert any(path.name.startswith("main-") for path in made[0])
    assert made[0] == made[1]
