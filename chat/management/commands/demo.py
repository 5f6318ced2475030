"""Accounts, rooms and some history to look at, on a developer's machine."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from chat import services
from chat.management.demo_desk import SLUG, fill_desk
from chat.management.demo_story import Conversation, DemoRoom, Person, Said, Story, story
from chat.models import Room
from notifications.models import Broadcast, Notification
from notifications.policies import Words
from notifications.queries import Audience
from notifications.services import broadcast, read

PASSWORD = "holdfast"
MODERATOR, ADMINISTRATOR = "maya", "admin"

# Of every key of the demo: a run that was interrupted goes on where it ended, and writes nothing
# twice.
NAMESPACE = uuid.UUID("0c1fe0a6-61a5-4b5f-9b0e-6f1d5f9f0d6e")


class Command(BaseCommand):
    help = "Make demo accounts and rooms, unless they exist, and print the logins. Only with DEBUG=true."

    def handle(self, **options: Any) -> None:
        """Tell the story once; the welcome, which comes last, says that it was told."""
        if not settings.DEBUG:
            raise CommandError(
                "Demo accounts have a known password, so they are made only with DEBUG=true."
            )
        told = story()
        if not Broadcast.objects.filter(key=_key("welcome")).exists():
            Storyteller(told, now=timezone.now()).tell()
        self._print_logins(told)

    def _print_logins(self, told: Story) -> None:
        self.stdout.write(f"\nHoldfast: http://localhost:{settings.PORT}/\n\n")
        for person in told.people:
            self.stdout.write(f"  {person.username:<8} {person.note}")
        self.stdout.write(f"\n  Each of them signs in with the password {PASSWORD}\n\n")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is said: a room that exists by now."""

    room_id: int
    name: str  # of its messages' keys
    said: Sequence[Said]
    people: Sequence[str]
    unread: Mapping[str, int]


class Storyteller:
    """Makes a story true, through the services, as its people would have."""

    def __init__(self, story: Story, *, now: datetime) -> None:
        self.story = story
        self.now = now
        self.ids: dict[str, int] = {}  # username → user
        self.named: dict[str, int] = {}  # name of a message → message

    def tell(self) -> None:
        """Make everything that is missing."""
        self.ids = {person.username: self._account(person) for person in self.story.people}
        places = [self._room(room) for room in self.story.rooms] + [
            self._conversation(pair) for pair in self.story.conversations
        ]
        # In the order of time across all rooms, which is the order of the inboxes.
        moments = [
            (said.before, place, index) for place in places for index, said in enumerate(place.said)
        ]
        for _, place, index in sorted(moments, key=lambda moment: moment[0], reverse=True):
            self._say(place, index)
        for place in places:
            self._read(place)
        for room in self.story.rooms:
            if room.read_only:
                services.change_room(
                    actor_id=self.ids[room.owner],
                    room_id=Room.objects.get(slug=room.slug).pk,
                    read_only=True,
                )
        if not Room.objects.filter(slug=SLUG).exists():
            fill_desk(self._clock, _key, moderator=self.ids[MODERATOR])
        broadcast(
            words=Words(body=self.story.welcome),
            audience=Audience(everybody=True),
            key=_key("welcome"),
        )

    def _account(self, person: Person) -> int:
        names = {"first_name": person.first_name, "last_name": person.last_name}
        user, made = User.objects.get_or_create(username=person.username, defaults=names)
        if made:
            user.set_password(PASSWORD)
            user.is_superuser = person.username == ADMINISTRATOR
            user.is_staff = person.username in {ADMINISTRATOR, MODERATOR}
            user.save()
        if made and person.username == MODERATOR:
            user.groups.add(Group.objects.get(name="moderators"))
        return user.pk

    def _room(self, demo: DemoRoom) -> Place:
        owner = self.ids[demo.owner]
        with self._clock(_beginning(demo.said)):
            room = Room.objects.filter(slug=demo.slug).first()
            if room is None:
                kind = Room.Kind.PRIVATE if demo.private else Room.Kind.PUBLIC
                room = services.create_room(
                    actor_id=owner, name=demo.name, topic=demo.topic, kind=kind, slug=demo.slug
                ).room
            services.add_members(
                room_id=room.pk, user_ids=[self.ids[name] for name in demo.members]
            )
        return Place(room.pk, demo.slug, demo.said, [demo.owner, *demo.members], demo.unread)

    def _conversation(self, pair: Conversation) -> Place:
        first, second = pair.people
        with self._clock(_beginning(pair.said)):
            room_id = services.direct_room(
                actor_id=self.ids[first], user_id=self.ids[second]
            ).room_id
        return Place(room_id, f"{first}-{second}", pair.said, pair.people, pair.unread)

    def _say(self, place: Place, index: int) -> None:
        said = place.said[index]
        author, key = self.ids[said.who], _key(f"{place.name}.{index}")
        reply_to = self.named[said.answers] if said.answers else None
        with self._clock(said.before):
            posted = services.post_message(
                author_id=author,
                room_id=place.room_id,
                body=said.first or said.text,
                key=key,
                reply_to=reply_to,
            )
        if said.name:
            self.named[said.name] = posted.message.pk
        with self._clock(said.before - timedelta(minutes=1)):
            self._aftermath(posted.message.pk, author, said)

    def _aftermath(self, message_id: int, author: int, said: Said) -> None:
        if said.first:
            services.edit_message(actor_id=author, message_id=message_id, body=said.text)
        for emoji, names in said.reactions.items():
            for name in names:
                services.react(actor_id=self.ids[name], message_id=message_id, emoji=emoji, on=True)
        if said.deleted:
            services.delete_message(actor_id=author, message_id=message_id)

    def _read(self, place: Place) -> None:
        """Let everybody have read all but the last few messages, and what their inbox said about the others."""
        seen = {name: len(place.said) - place.unread.get(name, 0) for name in place.people}
        services.mark_read(
            [
                services.ReadMark(user_id=self.ids[name], room_id=place.room_id, number=seen[name])
                for name in place.people
            ]
        )
        address = Room.objects.get(pk=place.room_id).get_absolute_url()
        for name in place.people:
            known = [f"{address}{number}/" for number in range(1, seen[name] + 1)]
            read(
                user_id=self.ids[name],
                ids=Notification.objects.filter(user_id=self.ids[name], url__in=known).values_list(
                    "pk", flat=True
                ),
            )

    @contextmanager
    def _clock(self, before: timedelta) -> Iterator[None]:
        """Let the services believe that it is earlier: rows are born with their time, so that none is changed without its number."""
        with mock.patch.object(timezone, "now", return_value=self.now - before):
            yield


def _beginning(history: Sequence[Said]) -> timedelta:
    """Return when a place with this history was made: an hour before the first word."""
    return max(said.before for said in history) + timedelta(hours=1)


def _key(name: str) -> uuid.UUID:
    return uuid.uuid5(NAMESPACE, name)
