"""Accessibility: axe-core in every state, light and dark, zoomed in, keyboard, screen reader."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from chat import services
from chat.models import Report, Room
from chat.services.moderation.moderators import appoint_moderator
from tests.browser.conftest import OpenPage
from tests.browser.screen import act, connected, message, place, say, sent
from tests.conftest import People, make_user
from tests.support.axe import violations

Step = Callable[[Page], object]

# Axe tries to set styles of its own, in vain.
AXE_STYLES = "Content Security Policy directive 'style-src"
NARROW = {"width": 320, "height": 640}  # CSS pixels of a window 1280 wide at 400 %


def actions(page: Page, name: str) -> None:
    """Choose something in the room's menu."""
    page.get_by_role("button", name="Room actions").click()
    page.get_by_role("menuitem", name=name).click()


def escape(page: Page) -> None:
    page.keyboard.press("Escape")


def offline(page: Page) -> None:
    page.context.set_offline(True)
    say(page, "Sent later")
    expect(message(page, "Sent later")).to_contain_text("Will be sent when you're back online")


CODE = """```python
# every kind of ink
@cache
def wave(height: float = 1.5) -> str:
    return f"{height} m" if isinstance(height, float) else None
```"""

ROOM: list[tuple[str, Step, Step | None]] = [  # what is shown, how one gets there, and back
    ("a room", connected, None),
    ("the tools of a message", lambda page: message(page, "Look at").hover(), None),
    (
        "lines of code",
        lambda page: expect(page.locator(".code .hljs-keyword").first).to_be_visible(),
        None,
    ),
    ("the button of lines of code", lambda page: page.locator(".code").hover(), None),
    (
        "the choice of a reaction",
        lambda page: act(page, message(page, "Look at"), "Add reaction"),
        escape,
    ),
    (
        "an answer",
        lambda page: act(page, message(page, "Look at"), "Reply"),
        lambda page: page.get_by_role("button", name="Cancel").first.click(),
    ),
    ("a report", lambda page: act(page, message(page, "Look at"), "Report"), escape),
    (
        "the question before a deletion",
        lambda page: act(page, message(page, "Look at"), "Delete"),
        escape,
    ),
    (
        "the room's menu",
        lambda page: page.get_by_role("button", name="Room actions").click(),
        escape,
    ),
    ("the room's settings", lambda page: actions(page, "Room settings"), escape),
    ("a new room", lambda page: page.get_by_role("link", name="Create a room").click(), escape),
    (
        "the search for a person",
        lambda page: page.get_by_role("button", name="Start a direct message").click(),
        escape,
    ),
    ("the members", lambda page: page.locator(".bar__people").click(), None),
    (
        "a member's menu",
        lambda page: page.get_by_role("button", name="Actions for Bob").click(),
        escape,
    ),
    (
        "a person's card",
        lambda page: message(page, "Look at").locator(".message__author").click(),
        escape,
    ),
    ("the switcher", lambda page: page.keyboard.press("Control+k"), escape),
    ("the shortcuts", lambda page: page.keyboard.press("Control+/"), escape),
    ("my menu", lambda page: page.locator(".me").click(), escape),
    (
        "the menu of formats",
        lambda page: page.get_by_role("button", name="Formatting").click(),
        escape,
    ),
    (
        "a text that is written",
        lambda page: page.get_by_label("Message", exact=True).fill("@bo"),
        lambda page: page.get_by_label("Message", exact=True).fill(""),
    ),
    ("a room without network", offline, None),
]
PAGES = [
    "/inbox/",
    "/inbox/?tab=all",
    "/search/",
    "/search/?q=look",
    "/account/notifications/",
    "/rooms/",
    "/rooms/new/",
    "/rooms/lab/1/",
    "/accounts/",
    "/accounts/sessions/",
    "/accounts/password_change/",
    "/invite/nothing/",
    "/nothing/here/",
]
DESK = [
    "",
    "chat/case/",
    "chat/reasontemplate/",
    "chat/reasontemplate/add/",
    "chat/message/",
    "chat/person/",
    "chat/room/",
    "chat/moderationlog/",
    "chat/filter/",
    "chat/filter/add/",
    "chat/bulk/",
    "chat/bulk/add/?author=bob",
    "chat/bulk/evidence/",
]
ROOT_DESK = ["auth/user/", "realtime/node/", "realtime/accesstoken/", "notifications/announcement/"]


@pytest.fixture
def talk(people: People, lab: Room) -> Room:
    """Some messages of every kind in the lab, and something in Alice's inbox."""
    first = services.post_message(
        author_id=people.bob.pk,
        room_id=lab.pk,
        body="Look at **this**: `code` and https://example.org",
    ).message
    services.react(actor_id=people.alice.pk, message_id=first.pk, emoji="👍", on=True)
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body=CODE)
    services.post_message(
        author_id=people.bob.pk, room_id=lab.pk, body="@alice, what do you say?", reply_to=first.pk
    )
    gone = services.post_message(
        author_id=people.alice.pk, room_id=lab.pk, body="Never mind"
    ).message
    services.delete_message(actor_id=people.alice.pk, message_id=gone.pk)
    return lab


def wrong(page: Page) -> list[str]:
    """Return the faults of the page in both colour schemes."""
    found = []
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found += [f"{scheme}: {each}" for each in violations(page)]
    return found


def assert_clean(found: dict[str, list[str]]) -> None:
    """Fail with all that is wrong, one line each."""
    lines = [f"{where}: {problem}" for where, problems in found.items() for problem in problems]
    assert not lines, "\n".join(lines)


# Some twenty states, each checked in two schemes: half a minute, several on a busy machine.
@pytest.mark.timeout(360)
def test_nothing_is_wrong_with_a_room_in_any_state(
    open_page: OpenPage, people: People, talk: Room
) -> None:
    page = open_page(people.alice, "/rooms/lab/", expected=AXE_STYLES)
    found = {}
    for name, go, back in ROOM:
        go(page)
        found[name] = wrong(page)
        if back:
            back(page)
    assert_clean(found)


def test_nothing_is_wrong_with_the_other_pages(
    open_page: OpenPage, people: People, talk: Room
) -> None:
    page = open_page(people.alice, "/inbox/", expected=f"status of 404|{AXE_STYLES}")
    found = {}
    for path in PAGES:
        page.goto(path)
        found[path] = wrong(page)
    assert_clean(found)


@pytest.mark.usefixtures("node")
def test_nothing_is_wrong_before_one_is_signed_in(open_page: OpenPage, people: People) -> None:
    page = open_page(None, "/accounts/login/", expected=f"status of 400|{AXE_STYLES}")
    found = {"signing in": wrong(page)}
    page.get_by_label("Username").fill("bob")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    found["a refusal"] = wrong(page)
    page.goto("/accounts/signup/")
    found["signing up"] = wrong(page)
    assert_clean(found)


def test_nothing_is_wrong_with_the_desk(open_page: OpenPage, people: People, talk: Room) -> None:
    mona = make_user("mona")
    appoint_moderator(username="mona")
    report = services.report(
        actor_id=people.alice.pk,
        message_id=services.post_message(
            author_id=people.bob.pk, room_id=talk.pk, body="Buy!"
        ).message.pk,
        category="spam",
    )
    assert isinstance(report, Report)
    page = open_page(mona, "/admin/", expected=AXE_STYLES)
    found = {}
    for path in [
        *DESK,
        f"chat/case/{report.case_id}/change/",
        f"chat/person/{people.bob.pk}/change/",
    ]:
        page.goto(f"/admin/{path}")
        found[path] = wrong(page)
    assert_clean(found)


def test_nothing_is_wrong_with_the_pages_of_a_superuser(
    open_page: OpenPage, people: People
) -> None:
    people.alice.is_staff = people.alice.is_superuser = True
    people.alice.save()
    page = open_page(people.alice, "/admin/", expected=AXE_STYLES)
    found = {}
    for path in ROOT_DESK:
        page.goto(f"/admin/{path}")
        found[path] = wrong(page)
    page.goto("/admin/notifications/announcement/add/")
    page.locator("#id_body").fill("Maintenance at six")
    page.get_by_label("Level").select_option("warning")
    expect(page.locator('.preview [data-level="warning"]')).to_be_visible()
    found["an announcement and its preview"] = wrong(page)
    assert_clean(found)


@pytest.mark.parametrize("locale", ["en", "ar"])
def test_nothing_is_wrong_with_an_invitation(
    open_page: OpenPage, people: People, locale: str
) -> None:
    den = services.create_room(
        actor_id=people.alice.pk, name="Den", topic="On-call rota", kind=Room.Kind.PRIVATE
    ).room
    path = f"/invite/{services.make_invite_link(actor_id=people.alice.pk, room_id=den.pk, seconds=3600, max_uses=5).token}/"
    stranger = open_page(None, path, expected=AXE_STYLES, locale=locale)
    assert stranger.evaluate("getComputedStyle(document.body).direction") == (
        "rtl" if locale == "ar" else "ltr"
    )
    found = {
        "a stranger": wrong(stranger),
        "a guest": wrong(open_page(people.bob, path, expected=AXE_STYLES, locale=locale)),
    }
    assert_clean(found)


# -- zoomed in -------------------------------------------------------------------------------------


def test_a_window_of_320_pixels_needs_no_scrolling_to_the_side(
    open_page: OpenPage, people: People, talk: Room
) -> None:
    """As WCAG 1.4.10 wants it: a window 1280 wide at 400 %, or a small phone."""
    services.post_message(
        author_id=people.bob.pk,
        room_id=talk.pk,
        body="`" + "a-word-without-an-end-" * 20 + "`\n\n    " + "wide " * 100,
    )
    page = open_page(people.alice, "/rooms/lab/", viewport=NARROW)
    for path in ["/rooms/lab/", *PAGES[:-2]]:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"], path
    page.goto("/rooms/lab/")
    connected(page)
    say(page, "I fit")
    expect(message(page, "I fit")).to_be_in_viewport()
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_in_viewport()


def test_a_selection_is_visible_in_forced_colors(
    open_page: OpenPage, people: People, talk: Room
) -> None:
    page = open_page(people.alice, "/rooms/lab/", forced_colors="active")
    connected(page)
    edges = (
        "element => getComputedStyle(element).outlineStyle + getComputedStyle(element).borderStyle"
    )
    chosen, other = (
        page.locator(".place[aria-current=page]"),
        page.get_by_label("Message", exact=True),
    )
    assert re.search("solid|auto", chosen.evaluate(edges))
    other.focus()
    assert re.search("solid|auto", page.locator(".composer__box").evaluate(edges))


# -- by keyboard -----------------------------------------------------------------------------------


def test_focus_goes_back_to_where_a_dialog_was_opened(
    open_page: OpenPage, people: People, talk: Room
) -> None:
    page = open_page(people.alice, "/rooms/lab/")
    connected(page)
    opener = page.get_by_role("button", name="Start a direct message")
    opener.press("Enter")
    expect(page.get_by_role("searchbox", name="Name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    menu = page.get_by_role("button", name="Room actions")
    menu.press("Enter")
    expect(page.get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()


def test_focus_goes_to_the_composer_of_the_room_that_one_goes_to(
    open_page: OpenPage, people: People, talk: Room
) -> None:
    services.create_room(actor_id=people.alice.pk, name="Garden")
    page = open_page(people.alice, "/rooms/lab/")
    connected(page)
    place(page, "Garden").press("Enter")
    expect(page.get_by_role("textbox", name="Message", exact=True)).to_be_focused()
    expect(page.get_by_role("heading", level=1, name="Garden")).to_be_visible()


def test_focus_stays_on_the_message_that_was_deleted(
    open_page: OpenPage, people: People, talk: Room
) -> None:
    page = open_page(people.alice, "/rooms/lab/")
    connected(page)
    say(page, "Wrong room")
    act(page, sent(page, "Wrong room"), "Delete")
    page.get_by_role("dialog").get_by_role("button", name="Delete").press("Enter")
    expect(page.locator(".message--deleted").last).to_be_focused()


# -- with a screen reader --------------------------------------------------------------------------


def test_a_screen_reader_hears_what_comes_in_and_not_the_history(
    open_page: OpenPage, people: People, talk: Room
) -> None:
    alice, bob = open_page(people.alice, "/rooms/lab/"), open_page(people.bob, "/rooms/lab/")
    connected(alice)
    connected(bob)
    heard = alice.locator("[data-live][aria-live=polite]")
    expect(heard).to_be_empty()
    expect(alice.locator(".timeline [aria-live]")).to_have_count(0)
    say(bob, "Can you hear me?")
    expect(heard).to_have_text("Bob: Can you hear me?")


def test_what_went_wrong_is_said_at_once_and_what_went_well_in_its_turn(
    open_page: OpenPage, people: People, talk: Room
) -> None:
    page = open_page(people.alice, "/rooms/lab/", expected=f"Failed to load resource|{AXE_STYLES}")
    connected(page)
    said, complained = (
        page.locator("[data-toasts][role=status]"),
        page.locator("[data-toasts][role=alert]"),
    )
    actions(page, "Notify me about all messages")
    expect(said).to_have_text("Saved")
    page.route("**/membership", lambda route: route.abort())
    actions(page, "Don't notify me")
    expect(complained).not_to_be_empty()
    expect(said).to_be_empty()
    assert_clean({"a complaint": wrong(page)})
    page.unroute("**/membership")
    actions(page, "Notify me about all messages")
    expect(said).to_have_text("Saved")
    expect(complained).to_be_empty()


def test_parts_of_the_page_have_names(open_page: OpenPage, people: People, talk: Room) -> None:
    page = open_page(people.alice, "/rooms/lab/")
    connected(page)
    for role, name in {"main": None, "navigation": "Rooms and inbox", "region": "Messages"}.items():
        expect(page.get_by_role(role, **({"name": name} if name else {})).first).to_be_visible()  # type: ignore[arg-type]
    expect(page.get_by_role("link", name=re.compile("^Inbox, \\d+ unread|^Inbox"))).to_be_visible()
    expect(place(page, "Lab")).to_have_attribute("aria-current", "page")


# -- from right to left ----------------------------------------------------------------------------


def test_in_arabic_the_page_runs_from_the_right_and_each_text_its_own_way(
    open_page: OpenPage, people: People, talk: Room
) -> None:
    services.post_message(author_id=people.bob.pk, room_id=talk.pk, body="صباح الخير")
    page = open_page(people.alice, "/rooms/lab/", locale="ar")
    connected(page)
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    sidebar, main = page.locator("#sidebar").bounding_box(), page.locator("#main").bounding_box()
    assert sidebar
    assert main
    assert sidebar["x"] > main["x"]
    direction = "element => getComputedStyle(element).direction"
    assert message(page, "صباح الخير").locator(".message__body").evaluate(direction) == "rtl"
    assert message(page, "Look at this").locator(".message__body").evaluate(direction) == "ltr"
    body, author = (
        message(page, "Look at this").locator(f".message__{part}").bounding_box()
        for part in ("body", "author")
    )
    assert body
    assert author
    # A short text stays beside who wrote it.
    assert abs(body["x"] + body["width"] - author["x"] - author["width"]) < 1
    assert (
        page.locator('[data-slot="send"] .icon')
        .evaluate("element => getComputedStyle(element).transform")
        .startswith("matrix(-1")
    )
    expect(page.locator(".place", has_text="Lab")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth")


def test_the_scripts_have_their_words_before_they_say_any(
    open_page: OpenPage, people: People, talk: Room
) -> None:
    page = open_page(people.alice, "/rooms/lab/", locale="de-DE")
    connected(page)
    expect(page.get_by_placeholder("Nachricht an Lab")).to_be_visible()
    expect(page.locator("time.day__name").first).to_have_text("Heute")
    scripts = page.evaluate("[...document.scripts].filter(({ src }) => src).map(({ src }) => src)")
    catalogue = next(position for position, src in enumerate(scripts) if "/words/de-" in src)
    assert catalogue < next(position for position, src in enumerate(scripts) if "/main" in src)
