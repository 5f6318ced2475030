"""Bob's post is held: he sees that it waits, Mona accepts it with a key, and Alice reads it."""

from playwright.sync_api import expect

from chat import services
from chat.models import HeldPost, Room
from chat.services.moderation.moderators import appoint_moderator
from tests.browser.conftest import OpenPage
from tests.browser.screen import connected, message, say
from tests.conftest import People, make_user

WAITS = "Waiting for a moderator. Until then, only you can see it."


def test_the_author_sees_it_waiting_until_mona_accepts(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    mona = make_user("mona")
    appoint_moderator(username="mona")
    services.save_filter(actor_id=mona.pk, text="giveaway", kind="word", action="hold", is_on=True)
    bob = open_page(people.bob, "/rooms/lab/")
    alice = open_page(people.alice, "/rooms/lab/")
    connected(bob)
    connected(alice)
    say(bob, "A giveaway for everyone")
    waiting = message(bob, "A giveaway for everyone")
    expect(waiting).to_contain_text(WAITS)
    say(bob, "Who wants it?")
    expect(message(alice, "Who wants it?")).to_be_visible()
    expect(message(alice, "A giveaway")).to_have_count(0)
    bob.reload()
    expect(message(bob, "A giveaway for everyone")).to_contain_text(WAITS)

    desk = open_page(mona, "/admin/")
    desk.get_by_role("link", name="1 held message").click()
    desk.locator("#result_list").get_by_role("link", name="Held message").click()
    expect(desk.get_by_text("A filter holds this message.")).to_be_visible()
    desk.keyboard.press("k")
    expect(desk.get_by_text("Message accepted and posted.")).to_be_visible()
    expect(message(alice, "A giveaway for everyone")).to_be_visible()
    expect(message(bob, "A giveaway for everyone")).to_have_count(1)
    expect(bob.get_by_text(WAITS)).to_have_count(0)
    assert HeldPost.objects.get().state == "accepted"


def test_the_author_withdraws_it(open_page: OpenPage, people: People, lab: Room) -> None:
    mona = make_user("mona")
    appoint_moderator(username="mona")
    services.save_filter(actor_id=mona.pk, text="giveaway", kind="word", action="hold", is_on=True)
    bob = open_page(people.bob, "/rooms/lab/")
    connected(bob)
    say(bob, "A giveaway for everyone")
    waiting = message(bob, "A giveaway for everyone")
    expect(waiting).to_contain_text(WAITS)
    waiting.get_by_role("button", name="Discard").click()
    expect(waiting).to_have_count(0)
    assert HeldPost.objects.get().state == "withdrawn"


def test_a_refusal_ends_the_waiting_and_says_why(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    mona = make_user("mona")
    appoint_moderator(username="mona")
    services.save_filter(actor_id=mona.pk, text="giveaway", kind="word", action="hold", is_on=True)
    bob = open_page(people.bob, "/rooms/lab/")
    connected(bob)
    say(bob, "A giveaway for everyone")
    expect(message(bob, "A giveaway for everyone")).to_contain_text(WAITS)
    services.decide_held(
        actor_id=mona.pk, case_id=HeldPost.objects.get().pk, is_accepted=False, reason="advert"
    )
    expect(message(bob, "A giveaway for everyone")).to_have_count(0)
    bob.goto(bob.url.replace("/rooms/lab/", "/inbox/"))
    expect(bob.get_by_text("did not accept your message in")).to_be_visible()
    expect(bob.get_by_text("advert", exact=True)).to_be_visible()
