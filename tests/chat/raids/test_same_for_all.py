"""Rules over all new accounts: a text, a link, and sign-ups."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat import services
from chat.errors import TooSimilar
from chat.models import Message, ModerationLog, Room, SignUpRequest
from chat.moderation.new_accounts import new_accounts
from chat.services import Post, Posted
from chat.services.moderation import raids
from chat.text.sameness import MAX_LINKS, same_links, same_text
from realtime.core import metrics
from realtime.protocol.errors import HoldfastError
from tests.chat.conftest import Say, notices
from tests.chat.test_commands import Run, hub, run
from tests.chat.test_sign_up import sign_up

__all__ = ["hub", "run"]

SPAM = "Free crypto for everyone, write to me"


def together(users: list[User], room: Room, body: str) -> list[Posted | HoldfastError]:
    """Let these people post one text at the same moment."""
    posts = [Post(author_id=user.pk, room_id=room.pk, key=uuid4(), body=body) for user in users]
    return services.post_messages(posts)


def accepted(answers: list[Any]) -> int:
    return sum(isinstance(answer, Posted) for answer in answers)


def refused_so_far(limit: str) -> float:
    return float(metrics.refusals.labels(limit)._value.get())


# -- a text ----------------------------------------------------------------------------------------


def test_thirty_new_accounts_with_one_text_are_stopped_after_five(
    lobby: Room, raiders: list[User]
) -> None:
    before = refused_so_far("same_text")
    answers = together(raiders, lobby, SPAM)
    assert accepted(answers) == 5
    assert {answer.code for answer in answers if isinstance(answer, HoldfastError)} == {
        "too_similar"
    }
    assert Message.objects.filter(body=SPAM).count() == 5
    assert refused_so_far("same_text") == before + 25


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("body", [SPAM, "**Free** crypto", "Gratis für alle, schreibt mir"])
async def test_they_are_stopped_on_the_way_of_sockets_as_well(
    run: Run, lobby: Room, raiders: list[User], body: str
) -> None:
    for number, user in enumerate(raiders):  # the process knows them already
        await run(user, "message.post", room=lobby.pk, key=str(uuid4()), body=f"{number}")
    answers = await asyncio.gather(
        *(
            run(user, "message.post", room=lobby.pk, key=str(uuid4()), body=body)
            for user in raiders
        ),
        return_exceptions=True,
    )
    assert sum(not isinstance(answer, Exception) for answer in answers) == 5


def test_a_refused_post_that_comes_again_is_refused_again(
    lobby: Room, newcomers: list[User], say: Say
) -> None:
    """Under the same key too, which is how clients repeat a post."""
    together(newcomers[:5], lobby, SPAM)
    key = uuid4()
    for _ in range(3):
        with pytest.raises(TooSimilar):
            say(newcomers[5], lobby, SPAM, key=key)
    say(newcomers[5], lobby, "Hello, I am the new one", key=key)


@pytest.mark.parametrize(
    "other",
    [
        "FREE CRYPTO for everyone,  write\nto me",
        "Free crypto for everyone, write to me 17!!!",
        "F\u200bree crypto for everyone, write to me",
        "Ｆｒｅｅ crypto for everyone, write to me",
        "Frее crypto for everyone, write to me",  # Cyrillic е
    ],
)
def test_a_text_is_the_same_to_whoever_reads_it(
    lobby: Room, newcomers: list[User], say: Say, other: str
) -> None:
    together(newcomers[:5], lobby, SPAM)
    with pytest.raises(TooSimilar, match="new accounts"):
        say(newcomers[5], lobby, other)
    say(newcomers[5], lobby, "Hello, I am the new one")


def test_few_accounts_that_repeat_it_are_one_flood(lobby: Room, newcomers: list[User]) -> None:
    posted = sum(accepted(together(newcomers[:6], lobby, SPAM)) for _ in range(15))
    assert posted <= 6


def test_one_account_alone_has_its_own_limit_only(
    settings: Any, lobby: Room, charlie: User
) -> None:
    settings.HOLDFAST_REPEATS = 20
    assert (
        sum(accepted(together([charlie], lobby, "It is noon, dear all.")) for _ in range(25)) == 20
    )


def test_what_many_say_by_chance_may_be_said_more_often(lobby: Room, raiders: list[User]) -> None:
    assert accepted(together(raiders, lobby, "thanks!")) == 20


def test_old_accounts_and_moderators_neither_count_nor_are_stopped(
    lobby: Room, raiders: list[User], alice: User, bob: User, mona: User, say: Say
) -> None:
    services.join(actor_id=mona.pk, room_id=lobby.pk)
    for user in (alice, bob, mona) * 4:
        say(user, lobby, SPAM)
    assert accepted(together(raiders, lobby, SPAM)) == 5
    for user in (alice, bob, mona):
        say(user, lobby, SPAM)


def test_an_account_that_grows_old_is_new_no_more(
    settings: Any, lobby: Room, raiders: list[User], say: Say
) -> None:
    together(raiders, lobby, SPAM)
    User.objects.filter(pk=raiders[9].pk).update(date_joined=timezone.now() - timedelta(days=4))
    new_accounts.forget()  # a minute later
    say(raiders[9], lobby, SPAM)
    settings.HOLDFAST_NEW_ACCOUNT_DAYS = 0
    assert accepted(together(raiders, lobby, SPAM)) == 30


def test_owning_a_room_helps_no_new_account(newcomers: list[User], say: Say) -> None:
    rooms = [
        services.create_room(actor_id=user.pk, name=f"Den of {user}") for user in newcomers[:6]
    ]
    for user, row in zip(newcomers[:5], rooms, strict=False):
        say(user, row.room, SPAM)
    with pytest.raises(TooSimilar):
        say(newcomers[5], rooms[5].room, SPAM)


@pytest.mark.django_db(transaction=True)
async def test_a_harmless_text_cannot_be_edited_into_it(
    run: Run, lobby: Room, newcomers: list[User]
) -> None:
    codes = []
    for number, user in enumerate(newcomers[:8]):
        fields = {"room": lobby.pk, "key": str(uuid4()), "body": f"{'la ' * (number + 3)}"}
        posted = await run(user, "message.post", **fields)
        try:
            await run(user, "message.edit", message=posted["message"]["id"], body=SPAM)
            codes.append("ok")
        except HoldfastError as error:
            codes.append(error.code)
    assert codes == ["ok"] * 5 + ["too_similar"] * 3


def test_after_the_window_the_text_is_new_again(
    lobby: Room, newcomers: list[User], settings: Any
) -> None:
    assert [accepted(together(newcomers, lobby, SPAM)) for _ in range(2)] == [5, 0]
    settings.HOLDFAST_SAME_SECONDS = 599  # other windows
    assert accepted(together(newcomers, lobby, SPAM)) == 5


def test_known_authors_cost_no_query(lobby: Room, newcomers: list[User], say: Say) -> None:
    say(newcomers[0], lobby, "one")
    with CaptureQueriesContext(connection) as queries:
        say(newcomers[0], lobby, "two")
    assert not [each for each in queries if 'date_joined" >' in each["sql"]]


def test_no_hash_tells_a_text_and_no_text_takes_long() -> None:
    assert same_text(SPAM) == same_text(f"{SPAM}!!!")
    assert "crypto" not in same_text(SPAM).digest
    assert same_text("x" * 500) == same_text("x" * 4000)


# -- a link ----------------------------------------------------------------------------------------


def test_one_link_under_different_texts_is_stopped(lobby: Room, raiders: list[User]) -> None:
    posts = [
        Post(
            author_id=user.pk,
            room_id=lobby.pk,
            key=uuid4(),
            body=f"{chr(97 + number) * 9} https://evil.example/win?from={number}",
        )
        for number, user in enumerate(raiders[:20])
    ]
    answers = services.post_messages(posts)
    assert accepted(answers) == 5
    error = next(each for each in answers if isinstance(each, HoldfastError))
    assert (error.code, "link" in error.message) == ("too_similar", True)


def test_many_addresses_of_one_host_are_stopped_later(
    settings: Any, lobby: Room, raiders: list[User]
) -> None:
    settings.HOLDFAST_SAME_HOSTS = 10
    posts = [
        Post(
            author_id=user.pk,
            room_id=lobby.pk,
            key=uuid4(),
            body=f"{chr(97 + number) * 9} https://evil.example/{number}",
        )
        for number, user in enumerate(raiders[:20])
    ]
    assert accepted(services.post_messages(posts)) == 10


def test_which_links_are_the_same(settings: Any) -> None:
    def link(url: str) -> Any:
        return same_links(f'<p><a href="{url}">x</a></p>')

    same = link("https://evil.example/win")
    assert len(same) == 1
    for other in ("http://www.EVIL.example/WIN/", "https://evil.example./win?a=1&amp;b=2#c"):
        assert link(other) == same
    assert link("https://evil.example/lose")[0].host == same[0].host
    assert link("https://evil.example/lose") != same
    assert link("mailto:a@evil.example") == link("https://testserver/rooms/") == []
    many = "".join(f'<a href="https://evil.example/{n}">x</a>' for n in range(30))
    assert len(same_links(many)) == MAX_LINKS


def test_a_link_that_an_edit_leaves_is_not_counted_again(
    lobby: Room, newcomers: list[User], say: Say
) -> None:
    messages = [
        say(user, lobby, f"{chr(97 + n) * 9} https://fine.example/")
        for n, user in enumerate(newcomers[:5])
    ]
    services.edit_message(
        actor_id=newcomers[0].pk, message_id=messages[0].pk, body="shorter https://fine.example/"
    )


# -- sign-ups --------------------------------------------------------------------------------------


def test_more_sign_ups_than_usual_wait_for_approval(settings: Any, mona: User) -> None:
    settings.HOLDFAST_SIGNUPS_PER_HOUR = 3
    for number in range(3):
        assert sign_up(Client(), f"one{number}x", at=f"203.0.113.{number}").status_code == 302
    answer = sign_up(Client(), "patient", at="203.0.113.99")
    assert "Waiting for approval" in answer.content.decode()
    assert SignUpRequest.objects.get().user.username == "patient"


# -- moderators learn of it ------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
async def test_moderators_are_told_once_and_the_log_has_it(
    run: Run, lobby: Room, raiders: list[User], mona: User
) -> None:
    for user in raiders:
        try:
            await run(user, "message.post", room=lobby.pk, key=str(uuid4()), body=SPAM)
        except TooSimilar:
            continue
    found = await asyncio.to_thread(notices, mona)
    text = "New accounts keep sending the same text or link. You can switch on raid mode."
    assert found == [("raid", text)]
    entry = await ModerationLog.objects.aget(action="raid_signs")
    assert entry.details == {"refused": 5}
    assert await asyncio.to_thread(raids.signs) == 25
