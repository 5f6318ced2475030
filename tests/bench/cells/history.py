"""Reading what was: pages of changes, unread counts, history in a room of millions."""

import json

from tests.bench import costs
from tests.bench.cells.cell import Bar, Cell, Contender, Sample, Scale
from tests.bench.load import Load
from tests.bench.servers import Holdfast

CHANGES = 100_000
SMALL, LARGE = 50_000, 5_000_000
UNREAD_ROOMS = 500

_FILL = """
from django.db import connection
cursor = connection.cursor()
room, count = {room}, {count}
cursor.execute("SELECT user_id FROM chat_membership WHERE room_id = %s ORDER BY user_id LIMIT 1", [room])
author = cursor.fetchone()[0]
cursor.execute("SELECT head FROM realtime_stream WHERE name = %s", [f"room.{{room}}"])
head = cursor.fetchone()[0]
cursor.execute("SELECT last_number FROM chat_room WHERE id = %s", [room])
last = cursor.fetchone()[0]
cursor.execute('''
    INSERT INTO chat_message (room_id, number, seq, author_id, key, body, html, created_at, reactions, mentions, notified)
    SELECT %s, %s + n, %s + n, %s, gen_random_uuid(), repeat('lorem ipsum ', 8), '', now(), '{{}}', '[]', '[]'
    FROM generate_series(1, %s) n''', [room, last, head, author, count])
cursor.execute("UPDATE realtime_stream SET head = head + %s WHERE name = %s", [count, f"room.{{room}}"])
cursor.execute("UPDATE chat_room SET last_number = last_number + %s WHERE id = %s", [count, room])
cursor.execute("VACUUM ANALYZE chat_message")
"""

_TIMED = """
import json, time, statistics
from chat.queries import messages, room_lists
room, user, last = {room}, {user}, {last}
def timed(work, times=60):
    took = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        took.append(1e3 * (time.perf_counter() - started))
    return statistics.median(took)
from realtime.core.reads import page
found = dict(
    history_ms=timed(lambda: messages.before(room, last // 2, limit=50)),
    latest_ms=timed(lambda: messages.latest(room)),
    page_ms=timed(lambda: page(f"room.{{room}}", last // 2)),
    unread_ms=timed(lambda: room_lists.my_rooms(user), 10),
)
print(json.dumps(found))
"""


def history(server: Holdfast, scale: Scale) -> Sample:
    """Measure a replay by pages, and the same reads in a small and in a large room."""
    room = server.rooms[0]
    small = scale.count(SMALL, 5000)
    before = server.heads()[f"room.{room}"]
    _fill(server, room, small)
    at_small = _timed(server, room, small)
    replay = scale.count(CHANGES, 10_000)
    _fill(server, room, replay - small)
    seen, spent = _replay(server, before, replay)
    _fill(server, room, scale.count(LARGE, 50_000) - replay)
    at_large = _timed(server, room, scale.count(LARGE, 50_000))
    return {
        "cpu_us": 1e6 * spent["server"] / seen["replayed"],
        "replay_rows": seen["replayed"] / seen["seconds"],
        "database_us": 1e6 * spent["database"] / seen["replayed"],
        "unread_us_per_room": 1e3 * at_small["unread_ms"] / len(server.rooms),
        **{f"{name}_small": value for name, value in at_small.items()},
        **{f"{name}_large": value for name, value in at_large.items()},
    }


def _fill(server: Holdfast, room: int, count: int) -> None:
    server.manage("-c", "import django; django.setup()\n" + _FILL.format(room=room, count=count))


def _timed(server: Holdfast, room: int, last: int) -> dict[str, float]:
    user = int(
        server.run_code(
            f"from chat.models import Membership; "
            f"print(Membership.objects.filter(room_id={room}).first().user_id)"
        )
    )
    code = "import django; django.setup()\n" + _TIMED.format(room=room, user=user, last=last)
    found: dict[str, float] = json.loads(server.manage("-c", code))
    return found


def _replay(server: Holdfast, after: int, count: int) -> tuple[dict[str, float], dict[str, float]]:
    server.restart()
    with Load(server.chat(1, posters=0), server.directory) as load:
        load.connect()
        before = costs.cpu(server.groups)
        seen = load.pull(f"room.{server.rooms[0]}", after)
        spent = costs.spent(before, costs.cpu(server.groups))
    if seen["replayed"] != count:
        raise RuntimeError(f"expected {count} changes, got {seen['replayed']}")
    return seen, spent


def _no_slower(found: Sample) -> bool:
    """Return whether no read takes longer than in the small room (within 0.3 ms)."""
    return all(
        found[f"{name}_large"] <= 1.25 * found[f"{name}_small"] + 0.3
        for name in ("history_ms", "latest_ms", "page_ms")
    )


HISTORY = Cell(
    "history",
    "replay 100,000 changes by pages; unread counts of 500 rooms; reads of a room with 5 million "
    "messages",
    "replayed change",
    {
        "holdfast": Contender(
            lambda directory, _: Holdfast(directory, people=2, rooms=UNREAD_ROOMS), history
        )
    },
    (Bar("no slower than at 50,000 messages", lambda found: _no_slower(found["holdfast"])),),
    most_runs=1,
)

CELLS = (HISTORY,)
