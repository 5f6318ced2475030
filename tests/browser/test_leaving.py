"""A person leaves nothing in the browser for the next one, and is asked about unsent messages."""

import json
from typing import Any

from playwright.sync_api import Page, expect

from chat import services
from chat.models import Room
from tests.browser.conftest import PATIENCE_MS, OpenPage, sign_in
from tests.browser.screen import connected, message, place, say
from tests.conftest import People
from tests.support.server import Node

LEFT = """async () => {
  const stored = (storage) => Object.fromEntries(
    Object.keys(storage).map((key) => [key, storage.getItem(key)]));
  const rows = [];
  for (const { name } of await indexedDB.databases()) {
    const database = await new Promise((resolve, reject) => {
      const request = indexedDB.open(name);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    for (const store of database.objectStoreNames)
      rows.push(...await new Promise((resolve) => {
        const request = database.transaction(store).objectStore(store).getAll();
        request.onsuccess = () => resolve(request.result);
      }));
    database.close();
  }
  const shown = await (await navigator.serviceWorker?.getRegistration())?.getNotifications() ?? [];
  return {
    local: stored(localStorage), session: stored(sessionStorage), rows, caches: await caches.keys(),
    shown: shown.map(({ title }) => title), cookie: document.cookie,
  };
}"""
# A choice about the keyboard, and the mark of who is signed in now.
OF_NOBODY = {"holdfast.letters", "holdfast.user"}
# wait_for_function would take the promise of an async function for an answer.
EMPTY = f"""async ([ofNobody, patience]) => {{
  const until = Date.now() + patience;
  const isEmpty = ({{ rows, local }}) =>
    rows.length === 0 && Object.keys(local).every((key) => ofNobody.includes(key));
  while (!isEmpty(await ({LEFT})())) {{
    if (Date.now() > until) throw new Error('something of the person is left');
    await new Promise(requestAnimationFrame);
  }}
}}"""


def left(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(LEFT)
    return found


def nothing_is_left(page: Page) -> None:
    """Wait until the browser has nothing of the person any more."""
    expect(page.locator("html")).to_be_attached()
    page.evaluate(EMPTY, [sorted(OF_NOBODY), PATIENCE_MS])
    found = left(page)
    assert found["session"] == {}
    assert found["caches"] == []
    assert found["shown"] == []
    assert "last_room" not in found["cookie"]
    assert "Secret" not in json.dumps(found)


def bob_writes(page: Page, people: People, lab: Room) -> None:
    """Bob has a message that was refused, and a draft to Charlie."""
    connected(page)
    page.evaluate("localStorage.setItem('holdfast.letters', 'off')")
    page.context.set_offline(True)
    say(page, "Secret and unsent")
    expect(message(page, "Secret and unsent")).to_contain_text("Will be sent")
    services.mute(actor_id=people.alice.pk, room_id=lab.pk, user_id=people.bob.pk, seconds=600)
    page.context.set_offline(False)
    expect(message(page, "Secret and unsent")).to_contain_text("Not sent. You are muted")
    place(page, "Charlie").click()
    expect(page.get_by_role("heading", name="Charlie").first).to_be_visible()
    page.get_by_label("Message", exact=True).press_sequentially("Secret draft")
    found = left(page)
    assert len(found["rows"]) == 1
    assert "Secret draft" in json.dumps(found["local"])
    assert "last_room=direct" in found["cookie"]


def bobs_page(open_page: OpenPage, people: People, lab: Room) -> Page:
    services.direct_room(actor_id=people.bob.pk, user_id=people.charlie.pk)
    page = open_page(people.bob, "/rooms/lab/", expected="status of 40[13]|Failed to fetch")
    bob_writes(page, people, lab)
    return page


def test_signing_out_asks_about_what_was_not_sent_and_leaves_nothing(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = bobs_page(open_page, people, lab)
    other = page.context.new_page()
    other.goto("/rooms/lab/")
    connected(other)
    page.locator(".me").click()
    page.get_by_role("menuitem", name="Sign out").click()
    dialog = page.get_by_role("dialog", name="Sign out?")
    expect(dialog).to_contain_text("You have 1 unsent message. You have 1 draft.")
    dialog.get_by_role("button", name="Cancel").click()
    assert len(left(page)["rows"]) == 1
    page.locator(".me").click()
    page.get_by_role("menuitem", name="Sign out").click()
    dialog.get_by_role("button", name="Sign out and delete").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    nothing_is_left(page)
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.locator(".timeline")).to_have_count(0)
    # The other tab follows.
    expect(other.locator("#main").get_by_text("You've been signed out.")).to_be_visible()
    expect(other.locator(".timeline")).to_have_count(0)
    expect(other.locator("#sidebar > *")).to_have_count(0)
    nothing_is_left(other)


def test_signing_out_of_the_account_page_and_the_desk_leaves_nothing_either(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = bobs_page(open_page, people, lab)
    people.bob.is_staff = people.bob.is_superuser = True
    people.bob.save()
    page.goto("/accounts/")
    page.get_by_role("button", name="Sign out").click()
    dialog = page.get_by_role("dialog", name="Sign out?")
    expect(dialog).to_contain_text("You have 1 unsent message. You have 1 draft.")
    dialog.get_by_role("button", name="Cancel").click()
    page.goto("/admin/")
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator("#logout-form button").click()
    page.wait_for_url(lambda url: "logout" in url or "login" in url)
    nothing_is_left(page)


def test_who_is_signed_out_elsewhere_may_keep_what_was_not_sent(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = bobs_page(open_page, people, lab)
    people.bob.set_password("another phrase entirely")
    people.bob.save()
    dialog = page.get_by_role("dialog", name="You've been signed out.")
    expect(dialog).to_contain_text("You have 1 unsent message. You have 1 draft.")
    # Before the answer, nothing is stored, and the page shows nothing of Bob.
    nothing_is_left(page)
    expect(page.locator("#sidebar > *")).to_have_count(0)
    dialog.get_by_role("button", name="Keep").click()
    page.wait_for_function(f"async () => (await ({LEFT})()).rows.length === 1")
    assert "Secret draft" in json.dumps(left(page)["local"])


def test_who_is_signed_out_elsewhere_may_delete_what_was_not_sent(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = bobs_page(open_page, people, lab)
    people.bob.set_password("another phrase entirely")
    people.bob.save()
    dialog = page.get_by_role("dialog", name="You've been signed out.")
    dialog.get_by_role("button", name="Delete").click()
    nothing_is_left(page)


def test_a_ban_and_an_erasure_leave_nothing(open_page: OpenPage, people: People, lab: Room) -> None:
    page = bobs_page(open_page, people, lab)
    people.alice.is_superuser = True
    people.alice.save()
    services.site_ban(actor_id=people.alice.pk, user_id=people.bob.pk, reason="Spam")
    expect(page.locator(".connection")).to_contain_text("You've been banned")
    nothing_is_left(page)
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_another_account_finds_nothing_of_the_former_one(
    open_page: OpenPage, people: People, lab: Room, node: Node
) -> None:
    page = bobs_page(open_page, people, lab)
    page.evaluate("localStorage.setItem('holdfast.emoji', '[\"🙂\"]')")
    # The session ended silently: it expired, or the browser was closed.
    page.context.clear_cookies()
    sign_in(page.context, people.alice, node.origin)
    page.goto("/rooms/lab/")
    connected(page)
    page.wait_for_function(f"async () => (await ({LEFT})()).rows.length === 0")
    found = left(page)
    assert "Secret" not in json.dumps(found)
    assert not any(f".{people.bob.pk}" in key for key in found["local"])
    assert "holdfast.emoji" not in found["local"]
    assert found["local"]["holdfast.user"] == str(people.alice.pk)
