"""The commands of rooms and messages (protocol.md §4)."""

import time
from collections import OrderedDict
from datetime import timedelta
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from django.utils import timezone

from chat import payloads, policies, services
from chat.queries import blocks, messages, rooms
from chat.text import hooks
from notifications.api import handlers
from realtime.core.commands import Caller, Commands
from realtime.core.database import read
from realtime.core.writer import writer
from realtime.engine import hub as hubs

commands = Commands(handlers.commands)

Id = Annotated[int, msgspec.Meta(ge=1, le=policies.MAX_ID)]
Number = Annotated[int, msgspec.Meta(ge=0, le=policies.MAX_ID)]
Data = dict[str, Any]


class PostMessage(msgspec.Struct):
    """A message for a room."""

    room: Id
    key: UUID
    body: str
    reply_to: Id | None = None


class OneMessage(msgspec.Struct):
    """A message."""

    message: Id


class EditMessage(msgspec.Struct):
    """A message and its new text."""

    message: Id
    body: str


class React(msgspec.Struct):
    """A reaction, to be there or not."""

    message: Id
    emoji: str
    on: bool


class ReportMessage(msgspec.Struct):
    """What is wrong with a message."""

    message: Id
    category: str
    note: str = ""


class OneRoom(msgspec.Struct):
    """A room."""

    room: Id


class OnePerson(msgspec.Struct):
    """Somebody."""

    user: Id


class ReadRoom(msgspec.Struct):
    """How far a room has been read."""

    room: Id
    number: Number


class UnreadRoom(msgspec.Struct):
    """From which message on a room is unread."""

    room: Id
    number: Annotated[int, msgspec.Meta(ge=1, le=policies.MAX_ID)]


class NoFields(msgspec.Struct):
    """Nothing."""


# -- messages --------------------------------------------------------------------------------------


@commands("message.post", pipelined=True)
async def post_message(caller: Caller, fields: PostMessage) -> Data:
    """Post, together with all who post at the same moment."""
    found = await hooks.checked(
        hooks.Draft(caller.user_id, fields.room, fields.body, reply_to=fields.reply_to)
    )
    # From here to the writer nothing is awaited, so that nobody's later message comes first.
    post = services.Post(
        author_id=caller.user_id,
        room_id=fields.room,
        key=fields.key,
        body=found.body,
        reply_to=fields.reply_to,
        flags=found.flags,
        refusal=found.refusal,
    )
    posted = await writer().batch(services.post_messages, post)
    return {"message": posted.data, "seq": posted.data["seq"], "duplicate": posted.duplicate}


@commands("message.edit")
async def edit_message(caller: Caller, fields: EditMessage) -> Data:
    """Give my message another text."""
    found = hooks.Checked(fields.body)
    if hooks.has_hooks():
        message = await read(messages.readable_message, fields.message, caller.user_id)
        found = await hooks.checked(
            hooks.Draft(caller.user_id, message.room_id, fields.body, message_id=message.pk)
        )
    if found.refusal is not None:
        raise found.refusal
    row = await writer().run(
        services.edit_message,
        actor_id=caller.user_id,
        message_id=fields.message,
        body=found.body,
        flags=found.flags,
    )
    return {"message": payloads.message(row)}


@commands("message.delete")
async def delete_message(caller: Caller, fields: OneMessage) -> Data:
    """Delete my message, or as a moderator another's."""
    row = await writer().run(
        services.delete_message, actor_id=caller.user_id, message_id=fields.message
    )
    return {"message": payloads.message(row)}


@commands("message.react")
async def react(caller: Caller, fields: React) -> Data:
    """Add or take away my reaction."""
    row = await writer().run(
        services.react,
        actor_id=caller.user_id,
        message_id=fields.message,
        emoji=fields.emoji,
        on=fields.on,
    )
    return {"message": payloads.message(row)}


@commands("message.report")
async def report(caller: Caller, fields: ReportMessage) -> Data:
    """Ask moderators to look at a message."""
    row = await writer().run(
        services.report,
        actor_id=caller.user_id,
        message_id=fields.message,
        category=fields.category,
        note=fields.note,
    )
    return {"report": row.pk}


# -- rooms -----------------------------------------------------------------------------------------


@commands("room.join")
async def join(caller: Caller, fields: OneRoom) -> Data:
    """Become a member of a public room."""
    row = await writer().run(services.join, actor_id=caller.user_id, room_id=fields.room)
    return {"membership": payloads.my_membership(row)}


@commands("room.leave")
async def leave(caller: Caller, fields: OneRoom) -> Data:
    """Stop being a member."""
    row = await writer().run(services.leave, actor_id=caller.user_id, room_id=fields.room)
    return {"membership": payloads.my_membership(row)}


@commands("room.read", pipelined=True)
async def read_room(caller: Caller, fields: ReadRoom) -> Data:
    """Note how far I have read; in small rooms the others see it."""
    mark = services.Mark(user_id=caller.user_id, room_id=fields.room, number=fields.number)
    marked = await writer().batch(services.mark_read, mark)
    if marked.moved and marked.member_count <= policies.READ_SIGNAL_MAX_MEMBERS:
        data = {"user": caller.user_id, "number": marked.number}
        await (await hubs.started()).signal(
            payloads.stream(fields.room), "read", data, except_user=caller.user_id
        )
    return {"unread": marked.unread}


@commands("room.unread")
async def unread_room(caller: Caller, fields: UnreadRoom) -> Data:
    """Go back to just before a message, so that I find it again."""
    back = await writer().run(
        services.mark_unread, actor_id=caller.user_id, room_id=fields.room, number=fields.number
    )
    return {"unread": back.unread, "read_number": back.number, "seq": back.seq}


@commands("room.read_all")
async def read_all_rooms(caller: Caller, fields: NoFields) -> Data:
    """Note that I have read everything there is in my rooms."""
    return {"rooms": await writer().run(services.read_everywhere, user_id=caller.user_id)}


@commands("room.typing")
async def typing(caller: Caller, fields: OneRoom) -> Data:
    """Show the others that I am typing."""
    if _typing.passes((caller.user_id, fields.room), time.monotonic()):
        await read(_may_type, fields.room, caller.user_id)
        until = timezone.now() + timedelta(seconds=policies.TYPING_SECONDS)
        data = {"user": caller.user_id, "until": payloads.moment(until)}
        await (await hubs.started()).signal(
            payloads.stream(fields.room), "typing", data, except_user=caller.user_id
        )
    return {}


def _may_type(room_id: int, user_id: int) -> None:
    room, _ = rooms.writable_room(room_id, user_id)
    blocks.check_may_write_to(room, user_id)


@commands("room.presence")
async def presence(caller: Caller, fields: OneRoom) -> Data:
    """Tell who is there."""
    await read(rooms.readable_room, fields.room, caller.user_id)
    count, users = await (await hubs.started()).present(payloads.stream(fields.room))
    return {"count": count} if users is None else {"count": count, "users": users}


# -- people ----------------------------------------------------------------------------------------


@commands("person.block")
async def block(caller: Caller, fields: OnePerson) -> Data:
    """Hear nothing more of somebody."""
    return {
        "block": payloads.block(
            await writer().run(services.block, actor_id=caller.user_id, user_id=fields.user)
        )
    }


@commands("person.unblock")
async def unblock(caller: Caller, fields: OnePerson) -> Data:
    """Lift a block."""
    return {
        "block": payloads.block(
            await writer().run(services.unblock, actor_id=caller.user_id, user_id=fields.user)
        )
    }


class Throttle:
    """Lets something of a person and room through once in a while. It may forget: then a signal too many is sent."""

    REMEMBERED: Final = 10_000  # people and rooms; about 1 MB

    def __init__(self, every: float) -> None:
        self._every = every
        self._last: OrderedDict[tuple[int, int], float] = OrderedDict()

    def passes(self, what: tuple[int, int], now: float) -> bool:
        """Tell whether it is time again. ``now`` is in seconds of a clock that never goes back."""
        if now - self._last.get(what, now - self._every) < self._every:
            return False
        self._last[what] = now
        self._last.move_to_end(what)
        if len(self._last) > self.REMEMBERED:
            self._last.popitem(last=False)
        return True


_typing = Throttle(policies.TYPING_EVERY_SECONDS)
