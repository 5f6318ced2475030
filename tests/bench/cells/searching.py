"""Searches in a million messages: rare and common words, phrases, filters, deep pages, no hits."""

import json

from tests.bench.cells.cell import Bar, Cell, Contender, Sample, Scale
from tests.bench.servers import Holdfast

MESSAGES = 1_000_000
ROOMS, PEOPLE = 40, 200
TIMES = 60  # searches of a kind, each for other words
BOUND_MS = 100

# Words are frequent by their rank, as those of languages are: the first occurs in two of three
# messages, the 40,000th in 20 of a million. Every fourth room is private. Each person writes in
# all rooms.
_FILL = """
import math, random, uuid
from datetime import timedelta
from django.db import connection, transaction
from django.utils import timezone
from chat.models import Membership, Message, Room
random.seed(7)
count = {count}
rooms = list(Room.objects.order_by("pk").values_list("pk", flat=True))
people = list(Membership.objects.filter(room_id=rooms[0]).order_by("user_id").values_list("user_id", flat=True))
Room.objects.filter(pk__in=rooms[::4]).update(kind="private")
adapt, now = connection.ops.adapt_datetimefield_value, timezone.now()
columns = "room_id, number, seq, author_id, key, body, html, created_at, reactions, mentions, notified, is_public"
key = Message._meta.get_field("key")
def row(n):
    words = " ".join("w%d" % math.exp(random.random() * 10.8) for _ in range(12))
    unique = key.get_db_prep_value(uuid.UUID(int=random.getrandbits(128)), connection)
    sent = adapt(now - timedelta(seconds=30 * (count - n)))
    return rooms[n % len(rooms)], 100 + n, 100 + n, random.choice(people), unique, words, "", sent, "{{}}", "[]", "[]", n % len(rooms) % 4 != 0
for start in range(0, count, 20_000):
    with transaction.atomic(), connection.cursor() as cursor:
        rows = [row(n) for n in range(start, min(count, start + 20_000))]
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY chat_message ({{columns}}) FROM STDIN") as copy:
                for each in rows:
                    copy.write_row(each)
        else:
            places = ", ".join(["%s"] * 12)
            cursor.executemany(f"INSERT INTO chat_message ({{columns}}) VALUES ({{places}})", rows)
with connection.cursor() as cursor:
    cursor.execute("VACUUM ANALYZE chat_message" if connection.vendor == "postgresql" else "ANALYZE")
"""

_TIMED = """
import json, random, time
from django.contrib.auth.models import User
from chat.models import Membership, Message, Room
from chat.pages import search_results as results
from chat.queries.search.query import parse
random.seed(11)
room = Room.objects.filter(kind="public").order_by("pk").first()
user = Membership.objects.filter(room=room).order_by("pk").first().user
names = list(User.objects.filter(memberships__room=room).values_list("username", flat=True))
middle = Message.objects.order_by("pk")[{count} // 2].pk
rare = lambda: random.randint(20_000, 49_000)
common = lambda: random.randint(1, 30)
kinds = dict(
    rare=lambda: f"w{{rare()}} ",
    common=lambda: f"w{{common()}} ",
    two_common=lambda: f"w{{common()}} w{{common()}} ",
    common_and_rare=lambda: f"w{{common()}} w{{rare()}} ",
    phrase=lambda: f'"w{{common()}} w{{common()}}"',
    beginning=lambda: f"w{{random.randint(10, 99)}}",
    from_and_in=lambda: f"w{{common()}} from:{{random.choice(names)}} in:{{room.slug}}",
    days=lambda: f"w{{common()}} before:{{time.strftime('%Y-%m-%d', time.gmtime(time.time() - 30 * random.randint(1, {count})))}}",
    deep=lambda: f"w{{common()}} ",
    nothing=lambda: f"w{{rare()}} w{{rare()}} ",
)
found = {{}}
for name, ask in kinds.items():
    took = []
    for _ in range({times} + 3):
        query = parse(ask())
        started = time.perf_counter()
        results.answer(user, query, before_id=middle if name == "deep" else None, limit=20)
        took.append(1e3 * (time.perf_counter() - started))
    took = sorted(took[3:])
    found[f"{{name}}_p50_ms"] = took[len(took) // 2]
    found[f"{{name}}_p99_ms"] = took[int(len(took) * 0.99)]
print(json.dumps(found))
"""


def searches(server: Holdfast, scale: Scale) -> Sample:
    """Measure each kind of search: queries and excerpts, without HTTP."""
    count = scale.count(MESSAGES, 50_000)
    server.manage("-c", "import django; django.setup()\n" + _FILL.format(count=count))
    found: Sample = json.loads(
        server.manage(
            "-c", "import django; django.setup()\n" + _TIMED.format(count=count, times=TIMES)
        )
    )
    return {"cpu_us": 0.0, **found}


def _in_time(found: Sample) -> bool:
    return all(value < BOUND_MS for name, value in found.items() if name.endswith("_ms"))


SEARCH = Cell(
    "search",
    "searches of one person among a million messages in 40 rooms, a quarter of them private: 60 "
    "of a kind, each for other words",
    "search",
    {
        "holdfast": Contender(
            lambda directory, _: Holdfast(directory, people=PEOPLE, rooms=ROOMS, broker=False),
            searches,
            "PostgreSQL",
        ),
        "holdfast-sqlite": Contender(
            lambda directory, _: Holdfast(
                directory, people=PEOPLE, rooms=ROOMS, sqlite=True, broker=False
            ),
            searches,
            "SQLite",
        ),
    },
    (
        Bar(f"each under {BOUND_MS} ms on PostgreSQL", lambda found: _in_time(found["holdfast"])),
        Bar(
            f"each under {BOUND_MS} ms on SQLite", lambda found: _in_time(found["holdfast-sqlite"])
        ),
    ),
    most_runs=1,
)

CELLS = (SEARCH,)
