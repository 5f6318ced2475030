"""``manage.py demo``: accounts, rooms and messages to try out on a developer's machine."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from chat import services
from chat.management.demo_moderation import SLUG, fill_reports
from chat.management.demo_story import Conversation, DemoMessage, DemoPerson, DemoRoom, Story, story
from chat.models import Room
from notifications.models import Broadcast, Notification
from notifications.policies import Words
from notifications.queries import Audience
from notifications.services import broadcast, read
from realtime.core.users import User

PASSWORD = "holdfast"
MODERATOR, ADMINISTRATOR = "maya", "admin"

# The namespace of all message keys: a run that was interrupted resumes, and posts nothing twice.
NAMESPACE = uuid.UUID("0c1fe0a6-61a5-4b5f-9b0e-6f1d5f9f0d6e")


class Command(BaseCommand):
    help = (
        "Create demo accounts and rooms unless they exist, and print the logins. Needs DEBUG=true."
    )

    def handle(self, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError(
                "Demo accounts have a public password, so they are created only with DEBUG=true."
            )
        demo = story()
        # The welcome comes last: if it exists, the demo is complete.
        if not Broadcast.objects.filter(key=_key("welcome")).exists():
            DemoBuilder(demo, now=timezone.now()).build()
        self._print_logins(demo)

    def _print_logins(self, demo: Story) -> None:
        self.stdout.write(f"\nHoldfast: http://localhost:{settings.PORT}/\n\n")
        for person in demo.people:
            self.stdout.write(f"  {person.username:<8} {person.note}")
        self.stdout.write(f"\n  The password of each is {PASSWORD}\n\n")


@dataclass(frozen=True, slots=True)
class FilledRoom:
    """An existing room, and the messages to post there."""

    room_id: int
    name: str  # prefix of the message keys
    messages: Sequence[DemoMessage]
    people: Sequence[str]
    unread: Mapping[str, int]


class DemoBuilder:
    """Creates everything through the services, at the time at which its people would have."""

    def __init__(self, story: Story, *, now: datetime) -> None:
        self.story = story
        self.now = now
        self.ids: dict[str, int] = {}  # username → user id
        self.named: dict[str, int] = {}  # name of a message → message id

    def build(self) -> None:
        self.ids = {person.username: self._account(person) for person in self.story.people}
        rooms = [self._room(room) for room in self.story.rooms] + [
            self._conversation(pair) for pair in self.story.conversations
        ]
        # Inboxes are in the order of time, so messages are posted in that order across all rooms.
        moments = [
            (message.age, room, index)
            for room in rooms
            for index, message in enumerate(room.messages)
        ]
        for _, room, index in sorted(moments, key=lambda moment: moment[0], reverse=True):
            self._post(room, index)
        for room in rooms:
            self._read(room)
        for demo in self.story.rooms:
            if demo.read_only:
                services.change_room(
                    actor_id=self.ids[demo.owner],
                    room_id=Room.objects.get(slug=demo.slug).pk,
                    read_only=True,
                )
        if not Room.objects.filter(slug=SLUG).exists():
            fill_reports(self._clock, _key, moderator=self.ids[MODERATOR])
        broadcast(
            words=Words(body=self.story.welcome),
            audience=Audience(everybody=True),
            key=_key("welcome"),
        )

    def _account(self, person: DemoPerson) -> int:
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

    def _room(self, demo: DemoRoom) -> FilledRoom:
        owner = self.ids[demo.owner]
        with self._clock(_beginning(demo.messages)):
            room = Room.objects.filter(slug=demo.slug).first()
            if room is None:
                kind = Room.Kind.PRIVATE if demo.private else Room.Kind.PUBLIC
                room = services.create_room(
                    actor_id=owner, name=demo.name, topic=demo.topic, kind=kind, slug=demo.slug
                ).room
            services.add_members(
                room_id=room.pk, user_ids=[self.ids[name] for name in demo.members]
            )
        return FilledRoom(
            room.pk, demo.slug, demo.messages, [demo.owner, *demo.members], demo.unread
        )

    def _conversation(self, pair: Conversation) -> FilledRoom:
        first, second = pair.people
        with self._clock(_beginning(pair.messages)):
            room_id = services.direct_room(
                actor_id=self.ids[first], user_id=self.ids[second]
            ).room_id
        return FilledRoom(room_id, f"{first}-{second}", pair.messages, pair.people, pair.unread)

    def _post(self, room: FilledRoom, index: int) -> None:
        message = room.messages[index]
        author, key = self.ids[message.author], _key(f"{room.name}.{index}")
        reply_to = self.named[message.reply_to] if message.reply_to else None
        with self._clock(message.age):
            posted = services.post_message(
                author_id=author,
                room_id=room.room_id,
                body=message.before_edit or message.text,
                key=key,
                reply_to=reply_to,
            )
        if message.name:
            self.named[message.name] = posted.message.pk
        with self._clock(message.age - timedelta(minutes=1)):
            self._change(posted.message.pk, author, message)

    def _change(self, message_id: int, author: int, message: DemoMessage) -> None:
        if message.before_edit:
            services.edit_message(actor_id=author, message_id=message_id, body=message.text)
        for emoji, names in message.reactions.items():
            for name in names:
                services.react(actor_id=self.ids[name], message_id=message_id, emoji=emoji, on=True)
        if message.deleted:
            services.delete_message(actor_id=author, message_id=message_id)

    def _read(self, room: FilledRoom) -> None:
        """Mark all but the last few messages as read for everyone, in the inbox as well."""
        seen = {name: len(room.messages) - room.unread.get(name, 0) for name in room.people}
        services.mark_read(
            [
                services.ReadMark(user_id=self.ids[name], room_id=room.room_id, number=seen[name])
                for name in room.people
            ]
        )
        address = Room.objects.get(pk=room.room_id).get_absolute_url()
        for name in room.people:
            known = [f"{address}{number}/" for number in range(1, seen[name] + 1)]
            read(
                user_id=self.ids[name],
                ids=Notification.objects.filter(user_id=self.ids[name], url__in=known).values_list(
                    "pk", flat=True
                ),
            )

    @contextmanager
    def _clock(self, age: timedelta) -> Iterator[None]:
        """Let the services use an earlier time, so that no row has to be changed afterwards."""
        with mock.patch.object(timezone, "now", return_value=self.now - age):
            yield


def _beginning(history: Sequence[DemoMessage]) -> timedelta:
    """Return the age of a room with this history: one hour more than that of its first message."""
    return max(message.age for message in history) + timedelta(hours=1)


def _key(name: str) -> uuid.UUID:
    return uuid.uuid5(NAMESPACE, name)
