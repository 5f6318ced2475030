"""Fill the database of this environment: people with sessions or tokens, rooms with members.

Prints the ids of the rooms, then the headers of each socket.

``python -m tests.bench.holdfast.people PEOPLE ROOMS cookie|token``; person N is a member of every
room.
"""

import secrets
import sys
from datetime import timedelta

import django


def main(people: int, rooms: int, way: str) -> None:
    """Make them, in bulk: what is measured comes later."""
    django.setup()
    from django.contrib.auth.hashers import make_password
    from django.contrib.auth.models import User
    from django.contrib.sessions.models import Session
    from django.db import connection, transaction
    from django.utils import timezone

    from chat.models import Membership, Room
    from chat.services.people.names import index_names
    from realtime.auth.accounts import new_token, token_row
    from realtime.auth.cached_sessions import SessionStore
    from realtime.models import AccessToken, Stream

    now = timezone.now()
    password = make_password(None)
    with transaction.atomic():
        names = [f"person{n}" for n in range(people)]
        users = User.objects.bulk_create(
            [User(username=name, first_name=name, password=password) for name in names], 1000
        )
        index_names(users)
        made = Room.objects.bulk_create(
            [
                Room(slug=f"bench{n}", name=f"Bench {n}", seq=1, member_count=people)
                for n in range(rooms)
            ]
        )
        places = [
            (place, seq, room, user)
            for place, room in enumerate(made, 1)
            for seq, user in enumerate(users, 2)
        ]
        Membership.objects.bulk_create(
            [
                Membership(room=room, user=user, seq=seq, inbox_seq=place, joined_at=now)
                for place, seq, room, user in places
            ],
            1000,
        )
        Stream.objects.bulk_create(
            [Stream(name=f"room.{room.pk}", head=people + 1) for room in made]
        )
        Stream.objects.bulk_create(
            [Stream(name=f"inbox.{user.pk}", head=rooms) for user in users], 1000
        )
        if way == "cookie":
            sessions = {}
            for user in users:
                store = SessionStore()
                data = {
                    "_auth_user_id": str(user.pk),
                    "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
                    "_auth_user_hash": user.get_session_auth_hash(),
                }
                sessions[secrets.token_hex(16)] = store.encode(data)
            rows = [
                Session(session_key=key, session_data=data, expire_date=now + timedelta(days=1))
                for key, data in sessions.items()
            ]
            Session.objects.bulk_create(rows, 1000)
            lines = [f"Cookie: sessionid={key}\tOrigin: http://127.0.0.1" for key in sessions]
        else:
            tokens = [new_token() for _ in users]
            AccessToken.objects.bulk_create(
                [token_row(user, token) for user, token in zip(users, tokens, strict=True)], 1000
            )
            lines = [f"Authorization: Bearer {token}" for token in tokens]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    sys.stdout.write("".join(f"{line!r}\n" for line in [[room.pk for room in made], *lines]))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
