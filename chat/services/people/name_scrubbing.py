"""Replaces the names of an erased person where other rows repeat them.

Each step reads a table in batches from a position that is stored, so an interrupted erasure
continues there. Replacing twice does no harm.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from html import unescape
from typing import Any, Final

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q
from django.utils.text import slugify

from chat import payloads
from chat.models import Erasure, HeldText, Message, Person, RemovedText, Room
from chat.queries import rooms
from chat.queries.names import look
from chat.services.persistence import save_room
from chat.text import mentions
from chat.text.search_words import stored_words
from notifications.models import Notification
from notifications.payloads import inbox
from notifications.services import move, rename_target
from realtime.core.heads import changing
from realtime.core.users import User

SCANNED: Final = 20_000  # ids of messages that one query compares with the names; some 50 ms
BATCH: Final = 100  # rows of one transaction, which locks their rooms

# (erasure, id after which to continue) → id of the last row compared, or None if none is left.
Replacement = Callable[[Erasure, int], int | None]


def scrub(row: Erasure) -> None:
    """Run the remaining steps."""
    for step in range(row.step, len(_STEPS)):
        row.step = step
        while (after := _STEPS[step](row, row.after)) is not None:
            row.after = after
            row.save(update_fields=["step", "after"])
        row.after = 0
    row.step = len(_STEPS)
    row.save(update_fields=["step", "after"])


# -- mentions in messages of others ----------------------------------------------------------------


def _messages(row: Erasure, after: int) -> int | None:
    newest = Message.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    if after >= newest:
        return None
    window = Message.objects.filter(pk__gt=after, pk__lte=after + SCANNED)
    found = list(
        window.filter(_mentioned(row)).order_by("room_id", "pk").values_list("room_id", "pk")
    )
    by_room: dict[int, list[int]] = {}
    for room_id, pk in found:
        by_room.setdefault(room_id, []).append(pk)
    for room_id, ids in by_room.items():
        for start in range(0, len(ids), BATCH):
            _rewrite(row, room_id, ids[start : start + BATCH])
    return after + SCANNED


def _rewrite(row: Erasure, room_id: int, ids: Sequence[int]) -> None:
    stream = payloads.stream(room_id)
    with changing(stream) as heads:
        rows = Message.objects.filter(pk__in=ids).select_related("author").order_by("pk")
        changed = [message for message in rows if _replace_in(row, message)]
        for message in changed:
            message.seq = heads.next(stream)
            heads.record(stream, payloads.message_event(message))
        for each in changed:
            each.search_text = stored_words(each.body, each.html)
        fields = ["seq", "body", "html", "mentions", "search_text"]
        Message.objects.bulk_update(changed, fields)


def _withheld(table: type[HeldText] | type[RemovedText]) -> Replacement:
    has_html = table is HeldText
    fields = ["body", "html", "mentions"] if has_html else ["body"]

    def step(row: Erasure, after: int) -> int | None:
        found: list[Any] = list(
            table._default_manager.filter(_mentioned(row, has_html=has_html), pk__gt=after)
            .select_related("message")
            .order_by("pk")[:BATCH]
        )
        for kept in found:
            with changing(payloads.stream(kept.message.room_id)):
                fresh: Any = table._default_manager.filter(pk=kept.pk).first()
                if fresh is not None and _replace_in(row, fresh):
                    fresh.save(update_fields=fields)
        return found[-1].pk if found else None

    return step


def _mentioned(row: Erasure, *, has_html: bool = True) -> Q:
    """Return the condition on texts that may mention the person; the HTML has their id."""
    found = Q(html__contains=f'data-user="{row.user_id}"') if has_html else Q(pk__in=())
    for name in row.usernames:
        found |= Q(body__icontains=f"@{name}")
    return found


def _replace_in(row: Erasure, text: Any) -> bool:
    """Replace ``@name`` in a text and its HTML. Returns whether it was there.

    An earlier name may be another person's by now: it is replaced only where it meant this person.
    """
    new = f"@{row.user.username}"
    span = re.compile(rf'<span[^>]*\bdata-user="{row.user_id}"[^>]*>@?([^<]*)</span>')
    html = getattr(text, "html", "")
    meant = span.findall(html)
    is_mentioned = bool(meant) or row.user_id in getattr(text, "mentions", ())
    body, html = text.body, span.sub(new, html)
    known = row.usernames if is_mentioned else _unused(row.usernames)
    known = {*known, *map(unescape, meant)}
    body, html = mentions.replaced(body, known, new), mentions.replaced(html, known, new)
    if body == text.body and not is_mentioned:
        return False
    text.body = body
    if hasattr(text, "html"):
        text.html = html
        text.mentions = [user_id for user_id in text.mentions if user_id != row.user_id]
    return True


def _unused(names: Iterable[str]) -> list[str]:
    taken = set(User.objects.filter(username__in=names).values_list("username", flat=True))
    return [name for name in names if name not in taken]


# -- rooms -----------------------------------------------------------------------------------------


def _rooms(row: Erasure, after: int) -> int | None:
    """Rename rooms that the person made: private ones that are empty now, and those named so."""
    made = Room.objects.filter(created_by_id=row.user_id, pk__gt=after)
    for room in made.exclude(kind=Room.Kind.DIRECT).order_by("pk"):
        _rename_room(row, room)
        return room.pk
    return None


def _rename_room(row: Erasure, room: Room) -> None:
    old = room.slug
    with changing(payloads.stream(room.pk)) as heads:
        room = rooms.room(room.pk)
        if room.kind == Room.Kind.PRIVATE and room.member_count == 0:
            name, slug, topic = f"room-{room.pk}", f"room-{room.pk}", ""
        else:
            name, topic = _without_names(row, room.name), _without_names(row, room.topic)
            slug = slugify(_without_names(row, room.slug)) or f"room-{room.pk}"
        if (name, slug, topic) == (room.name, room.slug, room.topic):
            return
        if slug != room.slug and Room.objects.filter(slug=slug).exists():
            slug = f"{slug[:60]}-{room.pk}"
        room.name, room.slug, room.topic, room.look = name, slug, topic, look(name)
        save_room(heads, room)
    _rename_in_notifications(room)
    rename_target("room", [old], room.slug)


def _without_names(row: Erasure, text: str) -> str:
    new = row.user.username
    names = {row.full_name, *row.usernames}
    # The longest first: a username may be a part of the full name.
    for name in sorted({*names, *map(slugify, names)}, key=len, reverse=True):
        if name:
            word = rf"(?<!\w){re.escape(name)}(?!\w)"
            text = re.sub(word, new, text, flags=re.IGNORECASE)
    return text


def _rename_in_notifications(room: Room) -> None:
    """Notifications keep the room's name of their time, which no index finds."""
    after = 0
    while True:
        rows = Notification.objects.filter(params__room__id=room.pk, pk__gt=after).order_by("pk")
        found = list(rows.values_list("pk", "user_id")[:BATCH])
        if not found:
            return
        with changing(*{inbox(user_id) for _, user_id in found}) as heads:
            move(heads, [pk for pk, _ in found], change=_room_in(room))
        after = found[-1][0]


def _room_in(room: Room) -> Callable[[Notification], None]:
    def change(row: Notification) -> None:
        known = row.params["room"]
        row.url = row.url.replace(f"/rooms/{known['slug']}/", room.get_absolute_url())
        row.params = {**row.params, "room": {**known, "slug": room.slug, "name": room.name}}

    return change


# -- records of operators --------------------------------------------------------------------------


def _broadcasts(row: Erasure, _after: int) -> int | None:
    rename_target("users", row.usernames, row.user.username)
    return None


def _admin_log(row: Erasure, _after: int) -> int | None:
    """Django's log of the admin has the name that the account had at each change."""
    kinds = [
        ContentType.objects.get_for_model(model, for_concrete_model=False)
        for model in (User, Person)
    ]
    entries = LogEntry.objects.filter(content_type__in=kinds, object_id=str(row.user_id))
    with changing():
        entries.update(object_repr=row.user.username)
    return None


_STEPS: Final[tuple[Replacement, ...]] = (
    _messages,
    _withheld(RemovedText),
    _withheld(HeldText),
    _rooms,
    _broadcasts,
    _admin_log,
)

STEPS: Final = len(_STEPS)
