"""A text on its way to the writer: refused cheaply, or rendered on a thread of its own.

1. A reading thread admits it (``chat.services.messages.admission``), together with others.
2. A rendering thread filters and renders it. The authors take turns there.
3. The writer stores it. The posts of one author arrive there in the order in which they came.

Plain texts need no rendering and go to the writer at once.
"""

import asyncio
from dataclasses import replace
from functools import partial
from typing import Final
from uuid import UUID

from django.conf import settings

from chat import services
from chat.errors import MutingWord, TooSimilar
from chat.models import Message
from chat.moderation import traces
from chat.queries import filter_cache
from chat.services import Post, Posted
from chat.services.messages.admission import admit, slow_turns
from chat.services.messages.editing import admit_edit
from chat.services.messages.rendering import RenderJob, Text, plain_text
from chat.services.messages.site_limits import admits_unasked, rendered_within_limits
from chat.services.moderation import raids
from chat.services.traces import note_soon
from realtime.core.bounds.fair_threads import FairThreads
from realtime.core.database import read, read_together
from realtime.core.per_process import PerLoop
from realtime.core.writer import writer
from realtime.protocol.errors import HoldfastError


async def post(new: Post) -> Posted:
    """Post a message. Raises why it is refused."""
    turn = _lines.get().join(new.author_id, new.key)
    try:
        ready = await _ready(new, turn)
        if isinstance(ready, Posted):
            return ready
        await turn.reached()
        turn.leave()
        # The next post of the author runs only after this one has joined the writer's queue.
        posted = await writer().batch(
            services.post_messages, ready, place=new.room_id, author=new.author_id
        )
        row = posted.message
        if not posted.duplicate and traces.leaves_text(row):
            note_soon(partial(traces.of_text, row.author_id, row.body))
        return replace(posted, text=ready.text)
    except TooSimilar:
        await _look_for_a_raid()
        raise
    finally:
        turn.end()
        slow_turns.release(new)


async def edit(
    *, actor_id: int, message_id: int, body: str, flags: tuple[str, ...], seen: str | None = None
) -> tuple[Message, Text]:
    """Edit a message. Returns it with its text as rendered. Raises why that is refused."""
    try:
        job = await read(
            admit_edit, actor_id=actor_id, message_id=message_id, body=body, flags=flags
        )
        text = await _rendered(actor_id, job)
    except TooSimilar:
        await _look_for_a_raid()
        raise
    row = await writer().run(
        services.edit_message,
        actor_id=actor_id,
        message_id=message_id,
        body=body,
        flags=flags,
        seen=seen,
        text=text,
    )
    return row, text


async def _ready(new: Post, turn: "Turn") -> Post | Posted:
    """Return the post with its text, or the message that it repeats."""
    text = plain_text(new.body, new.flags, filter_cache.held())
    if text and admits_unasked(new.author_id, new.body):
        return replace(new, text=text)
    await turn.repeated()
    found: RenderJob | Posted = await read_together(admit, new)
    if isinstance(found, Posted):
        return found
    return replace(new, text=await _rendered(new.author_id, found), admitted=True)


async def _rendered(author_id: int, job: RenderJob) -> Text:
    text = await _renderers.get().run(author_id, rendered_within_limits, job)
    if isinstance(text, MutingWord):
        await writer().run(services.mute_by_filter, user_id=author_id, filter_text=text.filter)
    if isinstance(text, HoldfastError):
        raise text
    return text


async def _look_for_a_raid() -> None:
    """Tell moderators if the rules over all accounts have stopped a lot."""
    if await read(raids.has_new_signs):
        await writer().run(raids.tell_moderators)


class Lines:
    """The posts of each author that are not with the writer yet, in their order."""

    def __init__(self) -> None:
        self._last: dict[int, Turn] = {}
        self._keys: dict[tuple[int, UUID], asyncio.Future[None]] = {}

    def join(self, author_id: int, key: UUID) -> "Turn":
        """Return the place behind the author's other posts."""
        before, first = self._last.get(author_id), self._keys.get((author_id, key))
        turn = self._last[author_id] = Turn(before, first)
        turn.left.add_done_callback(partial(self._left, author_id, turn))
        if first is None:
            self._keys[author_id, key] = turn.ended
            turn.ended.add_done_callback(lambda _: self._keys.pop((author_id, key)))
        return turn

    def _left(self, author_id: int, turn: "Turn", _left: object) -> None:
        if self._last.get(author_id) is turn:
            del self._last[author_id]


class Turn:
    """The place of one post in its author's line."""

    def __init__(self, before: "Turn | None", first: "asyncio.Future[None] | None") -> None:
        loop = asyncio.get_running_loop()
        self._before = before.left if before is not None else None
        self._first = first
        self.left: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()

    async def repeated(self) -> None:
        """Wait until an earlier post with the same key is answered; then this one repeats it."""
        if self._first is not None:
            await asyncio.wait([self._first])

    async def reached(self) -> None:
        """Wait until all earlier posts are with the writer, or refused."""
        if self._before is not None and not self._before.done():
            await asyncio.wait([self._before])

    def leave(self) -> None:
        """Let the next post pass, once the earlier ones have left."""
        if self._before is None or self._before.done():
            _resolve(self.left)
        else:
            self._before.add_done_callback(lambda _: _resolve(self.left))

    def end(self) -> None:
        """The post is answered."""
        self.leave()
        _resolve(self.ended)


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


def _make_renderers() -> FairThreads:
    return FairThreads(
        "render",
        threads=settings.HOLDFAST_RENDER_THREADS,
        waiting=settings.HOLDFAST_RENDER_QUEUE,
    )


_renderers: Final = PerLoop(_make_renderers)
_lines: Final = PerLoop(Lines)
