"""The demo's moderation: a market room with many reports, some of them already resolved."""

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Final

from django.utils import timezone

from chat import services
from chat.models import Case, Report
from realtime.core.users import User

SLUG: Final = "market"
SELLERS: Final = {
    "dana": "Dana Petrov",
    "erik": "Erik Holm",
    "farah": "Farah Aziz",
    "gus": "Gus Marlow",
    "hana": "Hana Sato",
    "ivo": "Ivo Kral",
}
POSTS: Final = [
    ("spam", "Genuine dive watches, 80% off, today only. Message me, no questions asked."),
    (
        "abuse",
        "To the buyer of my dinghy last week: you are an idiot, and everyone here knows it.",
    ),
    ("other", "Selling a used mainsail, 32 m², two repairs. You can see it in the harbour."),
    ("spam", "Earn 4000 a week from your bunk! My cousin did, and so can you."),
    ("illegal", "Red diesel, no papers, 200 litres. Pick it up at night."),
    ("abuse", "People from the north pier should stay out of this room. You ruin it."),
    ("spam", "BEST ANCHOR CHAIN BEST PRICE BEST ANCHOR CHAIN BEST PRICE"),
    ("other", "Has anyone seen a grey tender with a green stripe? It drifted off on Sunday."),
    ("spam", "Follow me for the secret tide tables that the harbour office hides from you."),
    ("abuse", "Nobody asked you. Go back to your pedal boat."),
]
NOTES: Final = [
    "",
    "This is the fourth time this week.",
    "He posts this in every room.",
    "",
    "I know the person this is about.",
    "",
]
MESSAGES: Final = 48  # all reported; forty cases stay open
RESOLVED: Final = 8
HOURS_APART: Final = 2.5  # between two messages: five days in all

Clock = Callable[[timedelta], AbstractContextManager[None]]


def fill_reports(clock: Clock, key: Callable[[str], uuid.UUID], *, moderator: int) -> None:
    with clock(timedelta(days=7)):
        sellers = [_seller(name, full) for name, full in SELLERS.items()]
        room = services.create_room(
            actor_id=sellers[0], name="Market", topic="Buy, sell and swap. Be kind.", slug=SLUG
        ).room
        services.add_members(room_id=room.pk, user_ids=sellers)
    posted = [_post(clock, key, room.pk, sellers, number) for number in range(MESSAGES)]
    for number, message_id in enumerate(posted):
        _report(
            clock,
            message_id,
            number,
            [user_id for user_id in sellers if user_id != _author(sellers, number)],
        )
    with clock(timedelta(hours=3)):
        for message_id in posted[:RESOLVED]:
            _decide(message_id, moderator, remove=message_id % 2 == 0)
        for message_id in posted[RESOLVED : RESOLVED + 3]:
            case = Case.objects.get(message=message_id, status=Report.Status.OPEN)
            services.assign(actor_id=moderator, case_id=case.pk)
        services.hide_message(actor_id=moderator, message_id=posted[RESOLVED + 1])
        services.mute(
            actor_id=moderator,
            room_id=room.pk,
            user_id=sellers[3],
            seconds=86_400,
            reason="Posted the same advertisement four times",
        )
        services.ban(
            actor_id=moderator,
            room_id=room.pk,
            user_id=sellers[5],
            reason="Insults after two warnings",
        )
        services.site_ban(
            actor_id=moderator, user_id=sellers[4], reason="This account only posts advertisements"
        )


def _seller(name: str, full: str) -> int:
    first, _, last = full.partition(" ")
    user, made = User.objects.get_or_create(
        username=name,
        defaults={"first_name": first, "last_name": last, "date_joined": timezone.now()},
    )
    if made:
        user.set_unusable_password()
        user.save()
    return user.pk


def _before(number: int) -> timedelta:
    return timedelta(hours=4 + HOURS_APART * (MESSAGES - number))


def _author(sellers: list[int], number: int) -> int:
    return sellers[(number * 5 + number // 10) % len(sellers)]


def _post(
    clock: Clock, key: Callable[[str], uuid.UUID], room_id: int, sellers: list[int], number: int
) -> int:
    body = POSTS[number % len(POSTS)][1]
    with clock(_before(number)):
        return services.post_message(
            author_id=_author(sellers, number),
            room_id=room_id,
            body=body,
            key=key(f"{SLUG}.{number}"),
        ).message.pk


def _report(clock: Clock, message_id: int, number: int, readers: list[int]) -> None:
    category = POSTS[number % len(POSTS)][0]
    for index, reader in enumerate(readers[: 1 + number % 3 // 2 + number % 7 // 6]):
        with clock(_before(number) - timedelta(minutes=10 * (index + 1))):
            note = NOTES[(number + index) % len(NOTES)]
            services.report(actor_id=reader, message_id=message_id, category=category, note=note)


def _decide(message_id: int, moderator: int, *, remove: bool) -> None:
    services.decide(
        actor_id=moderator, message_id=message_id, status="resolved" if remove else "dismissed"
    )
