"""``manage.py check_names``: list the names that are against the rules of new ones."""

from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand

from chat.models import SYSTEM_USERNAME, Room, UsernameLook
from chat.queries.names import look
from chat.services.people.names import reindex
from chat.text import names
from realtime.core.users import User
from realtime.protocol.errors import BadRequest


class Command(BaseCommand):
    help = (
        "List accounts and rooms whose names are against the rules of new names. They keep"
        " working; rename them in the admin. Also brings the index of names up to date, which is"
        " needed after accounts were imported past Django."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        found = 0
        for user in User.objects.exclude(username=SYSTEM_USERNAME).order_by("pk").iterator():
            reindex(user)
            for problem in _problems(user):
                found += 1
                self.stdout.write(f"user {user.pk} {user.username!r}: {problem}")
        rooms = Room.objects.exclude(kind=Room.Kind.DIRECT).order_by("pk")
        for room in rooms.iterator():
            if room.look != look(room.name):
                Room.objects.filter(pk=room.pk).update(look=look(room.name))
            for problem in _room_problems(room):
                found += 1
                self.stdout.write(f"room {room.pk} {room.name!r}: {problem}")
        self.stdout.write(f"{found} problems" if found else "All names follow the rules.")


def _problems(user: User) -> list[str]:
    if user.username.startswith(names.ERASED_PREFIX) and not user.is_active:
        return []
    problems: list[str] = []
    checks: list[Callable[[], object]] = [
        lambda: names.clean_username(user.username),
        lambda: names.clean_personal(user.first_name, field="first_name"),
        lambda: names.clean_personal(user.last_name, field="last_name"),
        lambda: names.check_full_name(user.first_name, user.last_name),
    ]
    for check in checks:
        try:
            check()
        except BadRequest as error:
            problems.append(str(error))
    if UsernameLook.objects.filter(pk=user.pk, is_shared=True).exists():
        problems.append("username: looks like that of another account")
    return problems


def _room_problems(room: Room) -> list[str]:
    problems: list[str] = []
    checks: list[Callable[[], object]] = [
        lambda: names.clean_room_name(room.name),
        lambda: names.clean_topic(room.topic),
    ]
    for check in checks:
        try:
            check()
        except BadRequest as error:
            problems.append(str(error))
    return problems
