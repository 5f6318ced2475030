"""Writing: formats, emoji, completion, drafts, limits, and when one may not write."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from chat import services
from chat.models import Room
from tests.browser.conftest import OpenPage
from tests.browser.screen import act, connected, message, say, sent
from tests.chat.conftest import membership
from tests.conftest import People

PHONE = {"width": 360, "height": 640}


@pytest.fixture
def page(open_page: OpenPage, people: People, lab: Room) -> Page:
    """Bob in Lab."""
    found = open_page(people.bob, "/rooms/lab/")
    connected(found)
    return found


def field(page: Page) -> Locator:
    """Where one writes."""
    return page.get_by_label("Message", exact=True)


def picker(page: Page) -> Locator:
    """The picker of emoji."""
    return page.get_by_role("dialog", name="Choose an emoji")


def test_keys_format_what_is_selected_and_can_be_undone(page: Page) -> None:
    field(page).press_sequentially("so loud")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Control+b")
    expect(field(page)).to_have_value("so **loud**")
    page.keyboard.press("Control+i")
    expect(field(page)).to_have_value("so ***loud***")
    page.keyboard.press("Control+z")
    expect(field(page)).to_have_value("so **loud**")
    page.keyboard.press("Control+z")
    expect(field(page)).to_have_value("so loud")


def test_the_menu_of_formats_shows_how_one_writes_and_writes_it(page: Page) -> None:
    field(page).fill("depth * 3")
    field(page).press("Control+a")
    page.get_by_role("button", name="Formatting").click()
    menu = page.get_by_role("menu", name="Formatting")
    expect(menu.get_by_role("menuitem").first).to_be_focused()
    expect(menu.get_by_role("menuitem").first).to_contain_text("**text**")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(field(page)).to_have_value("`depth * 3`")
    expect(field(page)).to_be_focused()
    page.get_by_role("button", name="Formatting").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Formatting")).to_be_focused()


def test_an_emoji_is_found_by_keyboard_and_remembered(page: Page) -> None:
    page.get_by_role("button", name="Insert emoji").click()
    page.keyboard.type("sailboat")
    expect(picker(page).get_by_role("button", name="⛵")).to_be_visible()
    page.keyboard.press("Enter")
    expect(field(page)).to_have_value("⛵")
    expect(field(page)).to_be_focused()
    page.get_by_role("button", name="Insert emoji").click()
    page.keyboard.press("ArrowDown")
    expect(picker(page).get_by_role("button", name="⛵").first).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(picker(page).get_by_role("button", name="👍").first).to_be_focused()
    picker(page).get_by_role("button", name="Flags").click()
    expect(picker(page).get_by_role("button", name="🏁")).to_be_focused()
    page.keyboard.press("Escape")
    expect(picker(page)).to_be_hidden()
    expect(page.get_by_role("button", name="Insert emoji")).to_be_focused()


def test_without_a_network_the_search_for_emoji_says_why_it_finds_nothing(page: Page) -> None:
    page.context.set_offline(True)
    page.get_by_role("button", name="Insert emoji").click()
    page.keyboard.type("sailboat")
    expect(picker(page)).to_contain_text("Try again when you're back online.")
    expect(picker(page)).not_to_contain_text("Nothing found")


def test_the_picker_of_a_message_gives_the_focus_back_to_it(
    page: Page, people: People, lab: Room
) -> None:
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body="Ship it?")
    act(page, message(page, "Ship it?"), "Add reaction")
    page.mouse.move(5, 5)
    page.keyboard.press("Escape")
    expect(picker(page)).to_be_hidden()
    page.wait_for_function("() => document.activeElement.closest('.message')")


def test_the_picker_fits_a_phone(open_page: OpenPage, people: People, lab: Room) -> None:
    page = open_page(people.bob, "/rooms/lab/", viewport=PHONE, has_touch=True, is_mobile=True)
    connected(page)
    page.get_by_role("button", name="Insert emoji").tap()
    expect(picker(page).get_by_role("button", name="Flags")).to_be_visible()
    box = picker(page).bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["y"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]
    assert box["y"] + box["height"] <= PHONE["height"]
    one = picker(page).get_by_role("button", name="👍").first.bounding_box()
    assert one is not None
    assert min(one["width"], one["height"]) >= 44
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_emoji_and_rooms_are_completed(page: Page, people: People) -> None:
    garden = services.create_room(actor_id=people.bob.pk, name="Garden").room
    connected(page)
    expect(page.locator(f".place[data-room='{garden.pk}']")).to_be_visible()
    field(page).press_sequentially("See #gar")
    expect(
        page.get_by_role("listbox", name="Rooms").get_by_role("option", name="Garden")
    ).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(field(page)).to_have_value("See #garden ")
    field(page).press_sequentially(":rocke")
    expect(page.get_by_role("listbox", name="Emoji").get_by_role("option").first).to_contain_text(
        ":rocket:"
    )
    page.keyboard.press("Tab")
    expect(field(page)).to_have_value("See #garden 🚀 ")
    field(page).press_sequentially(":tada:")
    expect(field(page)).to_have_value("See #garden 🚀 🎉 ")
    page.keyboard.press("Enter")
    sent(page, "See #garden").get_by_role("link", name="#garden").click()
    expect(page).to_have_url(re.compile("/rooms/garden/$"))


def test_codes_and_smileys_of_a_pasted_text_become_emoji(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("navigator.clipboard.writeText('done :tada:, `:tada:` :)')")
    field(page).press_sequentially("All ")
    page.keyboard.press("Control+V")
    expect(field(page)).to_have_value("All done 🎉, `:tada:` 🙂")
    field(page).press_sequentially("!")
    expect(field(page)).to_have_value("All done 🎉, `:tada:` 🙂!")


def test_a_text_that_is_too_long_is_counted_and_refused_with_words(page: Page) -> None:
    text = "one\ntwo\n" + "x" * 9600
    page.evaluate("text => { window.pasted = text; }", text)
    field(page).focus()
    page.evaluate("document.execCommand('insertText', false, window.pasted)")
    expect(field(page)).to_have_value(text)
    expect(page.locator(".composer").get_by_text("392 characters left")).to_be_visible()
    field(page).fill("x" * 8900)
    expect(page.locator(".composer").get_by_text("characters left")).to_have_count(0)
    field(page).fill("x" * 10_003)
    page.keyboard.press("Enter")
    expect(
        page.get_by_role("alert").filter(has_text="3 characters over the limit of 10000")
    ).to_be_visible()
    expect(field(page)).to_have_value("x" * 10_003)
    field(page).fill("short")
    page.keyboard.press("Enter")
    sent(page, "short")
    expect(page.get_by_role("alert").filter(has_text="longer")).to_have_count(0)


def test_a_draft_is_there_after_a_reload(page: Page) -> None:
    field(page).fill("Half a tho")
    page.reload()
    expect(field(page)).to_have_value("Half a tho")


def test_slow_mode_counts_down_and_lets_one_write_again(
    page: Page, people: People, lab: Room
) -> None:
    services.change_room(actor_id=people.alice.pk, room_id=lab.pk, slow_mode=4)
    expect(page.get_by_text("Slow mode: one message every 4 seconds")).to_be_visible()
    say(page, "First")
    sent(page, "First")
    field(page).fill("Second")
    expect(page.get_by_text("Slow mode: you can post again in")).to_be_visible()
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    expect(page.get_by_role("button", name="Send")).to_be_enabled()
    field(page).press("Enter")
    sent(page, "Second")
    page.reload()
    expect(page.get_by_text("Slow mode: you can post again in")).to_be_visible()


def test_a_mute_counts_down_and_opens_by_itself(page: Page, people: People, lab: Room) -> None:
    services.mute(actor_id=people.alice.pk, room_id=lab.pk, user_id=people.bob.pk, seconds=6)
    expect(
        page.get_by_text("A moderator muted you in this room. You can post again in")
    ).to_be_visible()
    expect(field(page)).to_be_hidden()
    expect(field(page)).to_be_visible()
    expect(page.locator("[data-live]")).to_have_text("You can post again.")


def test_a_mention_is_completed_within_a_sentence_without_blanks(page: Page) -> None:
    field(page).press_sequentially("交给@AL")
    expect(page.get_by_role("option", name="Alice")).to_be_visible()
    page.keyboard.press("Enter")
    expect(field(page)).to_have_value("交给@alice ")


def test_someone_who_is_not_reached_is_invited_at_once(page: Page, people: People) -> None:
    say(page, "@charlie look at this")
    told = page.get_by_role("status").filter(has_text="Not in this room, so not notified: Charlie")
    expect(told).to_be_visible()
    told.get_by_role("button", name="Invite").click()
    expect(page.get_by_text("Invited: Charlie")).to_be_visible()
    assert membership(Room.objects.get(slug="lab"), people.charlie).state == "invited"
    say(page, "@here, lunch")
    expect(
        page.get_by_text("Only owners and moderators can mention the whole room")
    ).to_be_visible()


def test_smileys_become_emoji_and_can_be_undone(page: Page) -> None:
    field(page).press_sequentially("Well :)")
    expect(field(page)).to_have_value("Well 🙂")
    page.keyboard.press("Control+z")
    expect(field(page)).to_have_value("Well :)")
    field(page).fill("🎉🎉")
    field(page).press("Enter")
    sent(page, "🎉🎉")
    body = message(page, "🎉🎉").locator(".message__body")
    assert float(body.evaluate("it => parseFloat(getComputedStyle(it).fontSize)")) > 24


def test_a_file_that_is_pasted_or_dropped_is_refused_in_words(page: Page) -> None:
    data = """kind => {
        const data = new DataTransfer();
        data.items.add(new File(['x'], 'x.png', { type: 'image/png' }));
        const field = document.querySelector('#composer-input');
        const options = { bubbles: true, cancelable: true };
        const event = kind === 'paste'
            ? new ClipboardEvent('paste', { ...options, clipboardData: data })
            : new DragEvent('drop', { ...options, dataTransfer: data });
        return field.dispatchEvent(event);
    }"""
    for kind in ("paste", "drop"):
        assert page.evaluate(data, kind) is False, "the browser would leave the page"
        expect(page.get_by_text("Holdfast takes no files.").last).to_be_visible()
