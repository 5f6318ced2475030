"""Commands for rooms and messages (docs/protocol.md §4)."""

import time
from collections import OrderedDict
from datetime import timedelta
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from django.conf import settings
from django.utils import timezone

from chat import payloads, policies, services
from chat.api import submitting
from chat.api.receipts import receipt_signals
from chat.queries import blocks, messages, rooms
from chat.text import hooks, markdown
from notifications.api import handlers
from realtime.core.bounds import quotas
from realtime.core.commands import Caller, Commands
from realtime.core.database import read
from realtime.core.writer import writer
from realtime.engine import hub as hubs
from realtime.protocol.receivers import without

commands = Commands(handlers.commands)

# Characters of a text with markup, which has to be rendered: 10,000 take 20 tokens.
MARKUP_PER_TOKEN: Final = 500

Number = Annotated[int, msgspec.Meta(ge=0, le=policies.MAX_ID)]
Data = dict[str, Any]


class PostMessage(msgspec.Struct):
    room: policies.RowId
    key: UUID
    body: str
    reply_to: policies.RowId | None = None


class DeleteMessage(msgspec.Struct):
    message: policies.RowId
    reason: str = ""


class EditMessage(msgspec.Struct):
    message: policies.RowId
    body: str
    # The value that the sender has seen: a message that was edited since is not overwritten.
    edited_at: str | msgspec.UnsetType | None = msgspec.UNSET


class WithdrawMessage(msgspec.Struct):
    """A post that a filter holds, by the key with which it was sent."""

    key: UUID


class React(msgspec.Struct):
    message: policies.RowId
    emoji: str
    on: bool


class ReportMessage(msgspec.Struct):
    message: policies.RowId
    category: str
    note: str = ""


class ReportRoom(msgspec.Struct):
    room: policies.RowId
    category: str
    note: str = ""


class ReportPerson(msgspec.Struct):
    user: policies.RowId
    category: str
    note: str = ""


class OneRoom(msgspec.Struct):
    room: policies.RowId


class OnePerson(msgspec.Struct):
    user: policies.RowId


class ReadRoom(msgspec.Struct):
    room: policies.RowId
    number: Number


class UnreadRoom(msgspec.Struct):
    """The message from which on the room is unread."""

    room: policies.RowId
    number: Annotated[int, msgspec.Meta(ge=1, le=policies.MAX_ID)]


class NoFields(msgspec.Struct):
    """Nothing."""


def _cost_of_markup(request: dict[str, Any]) -> int:
    """Return the tokens for rendering a text: none for a short one or one without markup."""
    body = request.get("body")
    if not isinstance(body, str) or len(body) < MARKUP_PER_TOKEN:
        return 0
    length = min(len(body), settings.HOLDFAST_MESSAGE_MAX_LENGTH)
    return length // MARKUP_PER_TOKEN if markdown.has_markup(body) else 0


def _unreached(text: services.Text | None) -> Data:
    """Return who is named but not reached by a text: people outside of the room, or the room."""
    if text is None or not (text.unreached or text.refused_everybody):
        return {}
    return {"unreached": {"people": [*text.unreached], "room": text.refused_everybody}}


# -- messages --------------------------------------------------------------------------------------


@commands("message.post", pipelined=True, cost=_cost_of_markup)
async def post_message(caller: Caller, fields: PostMessage) -> Data:
    """Post a message, in one transaction with other posts of the same moment."""
    found = await hooks.checked(
        hooks.Draft(caller.user_id, fields.room, fields.body, reply_to=fields.reply_to)
    )
    # Nothing is awaited between here and the author's line, so messages keep their order.
    posted = await submitting.post(
        services.Post(
            author_id=caller.user_id,
            room_id=fields.room,
            key=fields.key,
            body=found.body,
            reply_to=fields.reply_to,
            flags=found.flags,
            refusal=found.refusal,
        )
    )
    answer = {"message": posted.data, "seq": posted.data["seq"], "duplicate": posted.duplicate}
    return answer | _unreached(posted.text)


@commands("message.edit", cost=_cost_of_markup)
async def edit_message(caller: Caller, fields: EditMessage) -> Data:
    found = hooks.Checked(fields.body)
    if hooks.has_hooks():
        message = await read(messages.readable_message, fields.message, caller.user_id)
        found = await hooks.checked(
            hooks.Draft(caller.user_id, message.room_id, fields.body, message_id=message.pk)
        )
    if found.refusal is not None:
        raise found.refusal
    row, text = await submitting.edit(
        actor_id=caller.user_id,
        message_id=fields.message,
        body=found.body,
        flags=found.flags,
        seen=(fields.edited_at or "") if fields.edited_at is not msgspec.UNSET else None,
    )
    return {"message": payloads.message(row)} | _unreached(text)


@commands("message.delete")
async def delete_message(caller: Caller, fields: DeleteMessage) -> Data:
    """Delete a message: its author's own, or any message as a moderator, who may give a reason."""
    row = await writer().run(
        services.delete_message,
        actor_id=caller.user_id,
        message_id=fields.message,
        reason=fields.reason,
    )
    return {"message": payloads.message(row)}


@commands("message.withdraw")
async def withdraw_message(caller: Caller, fields: WithdrawMessage) -> Data:
    """Withdraw a post that waits for a moderator."""
    row = await writer().run(services.withdraw_held, actor_id=caller.user_id, key=fields.key)
    return {"held_post": payloads.held_post(row)}


@commands("message.react")
async def react(caller: Caller, fields: React) -> Data:
    """Add or remove a reaction."""
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
    await read(quotas.take, "reports", caller.user_id, most=settings.HOLDFAST_REPORTS)
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
    row = await writer().run(services.join, actor_id=caller.user_id, room_id=fields.room)
    return {"membership": payloads.my_membership(row)}


@commands("room.leave")
async def leave(caller: Caller, fields: OneRoom) -> Data:
    row = await writer().run(services.leave, actor_id=caller.user_id, room_id=fields.room)
    return {"membership": payloads.my_membership(row)}


@commands("room.read", pipelined=True)
async def read_room(caller: Caller, fields: ReadRoom) -> Data:
    """Store how far the room is read."""
    mark = services.ReadMark(user_id=caller.user_id, room_id=fields.room, number=fields.number)
    marked = await writer().batch(
        services.mark_read, mark, place=caller.user_id, author=caller.user_id
    )
    if marked.moved and marked.has_receipts:
        receipt_signals.note(fields.room, caller.user_id)
    return {"unread": marked.unread}


@commands("room.unread")
async def unread_room(caller: Caller, fields: UnreadRoom) -> Data:
    """Mark the room as unread from a message on."""
    back = await writer().run(
        services.mark_unread, actor_id=caller.user_id, room_id=fields.room, number=fields.number
    )
    if back.has_receipts:
        receipt_signals.note(fields.room, caller.user_id)
    return {"unread": back.unread, "read_number": back.number, "seq": back.seq}


@commands("room.read_all")
async def read_all_rooms(caller: Caller, fields: NoFields) -> Data:
    """Mark everything in all rooms as read."""
    return {"rooms": await writer().run(services.mark_all_read, user_id=caller.user_id)}


@commands("room.typing")
async def typing(caller: Caller, fields: OneRoom) -> Data:
    """Show other members that the user is typing."""
    if _typing.passes((caller.user_id, fields.room), time.monotonic()):
        await read(_may_type, fields.room, caller.user_id)
        until = timezone.now() + timedelta(seconds=policies.TYPING_SECONDS)
        data = {"user": caller.user_id, "until": payloads.moment(until)}
        await (await hubs.started()).signal(
            payloads.stream(fields.room), "typing", data, without(caller.user_id)
        )
    return {}


def _may_type(room_id: int, user_id: int) -> None:
    room, _ = rooms.writable_room(room_id, user_id)
    blocks.check_may_write_to(room, user_id)


@commands("room.presence")
async def presence(caller: Caller, fields: OneRoom) -> Data:
    """Return the users who are online in the room, or their number in a large room."""
    await read(rooms.readable_room, fields.room, caller.user_id)
    count, users = await (await hubs.started()).present(payloads.stream(fields.room))
    return {"count": count} if users is None else {"count": count, "users": users}


@commands("room.report")
async def report_room(caller: Caller, fields: ReportRoom) -> Data:
    row = await writer().run(
        services.report_room,
        actor_id=caller.user_id,
        room_id=fields.room,
        category=fields.category,
        note=fields.note,
    )
    return {"report": row.pk}


# -- people ----------------------------------------------------------------------------------------


@commands("person.block")
async def block(caller: Caller, fields: OnePerson) -> Data:
    return {
        "block": payloads.block(
            await writer().run(services.block, actor_id=caller.user_id, user_id=fields.user)
        )
    }


@commands("person.unblock")
async def unblock(caller: Caller, fields: OnePerson) -> Data:
    return {
        "block": payloads.block(
            await writer().run(services.unblock, actor_id=caller.user_id, user_id=fields.user)
        )
    }


@commands("person.report")
async def report_person(caller: Caller, fields: ReportPerson) -> Data:
    row = await writer().run(
        services.report_person,
        actor_id=caller.user_id,
        user_id=fields.user,
        category=fields.category,
        note=fields.note,
    )
    return {"report": row.pk}


class Throttle:
    """Limits how often a signal of a user and room is sent.

    It may forget a user; then one signal too many is sent.
    """

    REMEMBERED: Final = 10_000  # pairs of user and room; about 1 MB

    def __init__(self, every: float) -> None:
        self._every = every
        self._last: OrderedDict[tuple[int, int], float] = OrderedDict()

    def passes(self, key: tuple[int, int], now: float) -> bool:
        """Return whether the signal may be sent now. ``now`` is monotonic, in seconds."""
        if now - self._last.get(key, now - self._every) < self._every:
            return False
        self._last[key] = now
        self._last.move_to_end(key)
        if len(self._last) > self.REMEMBERED:
            self._last.popitem(last=False)
        return True


_typing = Throttle(policies.TYPING_EVERY_SECONDS)
