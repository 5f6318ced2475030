"""Things that are done to a cluster by a process of its own: ``python -m tests.chaos.acts ban 7``.

Prints when it was committed.

Where it has no channel layer, it is also a process that dies between its commit and the
publication.
"""

import json
import sys
import time
from collections.abc import Callable
from uuid import UUID

import django


def main(act: str, *arguments: str) -> None:
    """Run one action and print its result and the monotonic time after its commit."""
    django.setup()
    acts: dict[str, Callable[..., dict[str, object]]] = {
        "appoint": _appoint,
        "ban": _ban,
        "post": _post,
        "people": _people,
        "room": _room,
    }
    found = acts[act](*arguments)
    sys.stdout.write(json.dumps({"at": time.monotonic(), **found}))


def _appoint(username: str) -> dict[str, object]:
    from chat.services.moderation.moderators import appoint_moderator

    appoint_moderator(username=username)
    return {}


def _ban(moderator: str, user: str) -> dict[str, object]:
    from chat.services import site_ban

    site_ban(actor_id=int(moderator), user_id=int(user), reason="chaos")
    return {}


def _post(author: str, room: str, key: str, body: str) -> dict[str, object]:
    from chat.services import post_message

    message = post_message(
        author_id=int(author), room_id=int(room), key=UUID(key), body=body
    ).message
    return {"ident": message.pk, "number": message.number, "seq": message.seq}


def _room(owner: str, name: str) -> dict[str, object]:
    from chat.services import create_room

    return {"room": create_room(actor_id=int(owner), name=name).room_id}


def _people(room: str, count: str) -> dict[str, object]:
    """Make many accounts with a token each, and members of a room."""
    from django.contrib.auth.hashers import make_password
    from django.contrib.auth.models import User

    from chat.services import add_members
    from chat.services.people.names import index_names
    from realtime.auth import new_token, token_row
    from realtime.models import AccessToken

    password = make_password(None)  # they come with tokens
    names = [f"guest-{number}" for number in range(int(count))]
    users = User.objects.bulk_create(
        [User(username=name, first_name=name.capitalize(), password=password) for name in names]
    )
    index_names(users)
    add_members(room_id=int(room), user_ids=[user.pk for user in users])
    tokens = [new_token() for _ in users]
    AccessToken.objects.bulk_create(
        [token_row(user, token) for user, token in zip(users, tokens, strict=True)]
    )
    return {
        "people": [
            {"id": user.pk, "username": user.username, "token": token}
            for user, token in zip(users, tokens, strict=True)
        ]
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
