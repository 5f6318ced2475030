"""Fifty rooms and ten thousand messages for ``bench.py``, in the configured database."""

import random
from itertools import islice
from uuid import UUID

import django

ROOMS = 50
MESSAGES = 10_000
BUSY_SHARE = 0.6  # of the messages, in the first room
BATCH = 100
AUTHORS = ("alice", "bob", "charlie", "maya")
TEXTS = (
    "Sounds good.",
    "Could someone look at the harbour camera? It shows **yesterday's** fog.",
    "I moved the meeting to 14:30, because the ferry is late again.\n\nWho brings the slides?",
    "Try `make run`, then open two tabs:\n\n```python\nfor tab in tabs:\n    assert tab.level\n```",
    "> What about the numbers of last week?\n\nThey are in the sheet: 12 % more than in *October*.",
    "1. Stop the old node\n2. Wait for the drain\n3. Start the new one",
    "https://example.com/a/page/that/explains/it has the details",
    "👍",
)


def main() -> None:
    """Make the rooms, and let the demo's people talk in them."""
    django.setup()
    from django.contrib.auth.models import User  # after the setup

    from chat import services

    chance = random.Random(7)
    users = {name: User.objects.get(username=name).pk for name in AUTHORS}
    rooms = [
        services.create_room(actor_id=users["alice"], name=f"Bench {number:02}").room.pk
        for number in range(1, ROOMS + 1)
    ]
    for room in rooms:
        for name in AUTHORS[1:]:
            services.join(actor_id=users[name], room_id=room)
    quiet = int(MESSAGES * (1 - BUSY_SHARE)) // (ROOMS - 1)
    wanted = [rooms[0]] * (MESSAGES - quiet * (ROOMS - 1)) + [
        room for room in rooms[1:] for _ in range(quiet)
    ]
    posts = (
        services.Post(
            author_id=users[chance.choice(AUTHORS)],
            room_id=room,
            key=UUID(int=chance.getrandbits(128)),
            body=chance.choice(TEXTS),
        )
        for room in wanted
    )
    while some := list(islice(posts, BATCH)):
        refused = [
            answer for answer in services.post_messages(some) if isinstance(answer, Exception)
        ]
        if refused:
            raise refused[0]


if __name__ == "__main__":
    main()
