"""Blocking another user. Only the blocker sees a block; moderation is not affected.

The rights of a blocked user are decided under the locks that are taken here: the blocker's inbox,
which posting and opening a direct room lock as well, and the direct room of the two, which editing
and reacting lock. So nothing arrives after the reply to ``block``.
"""

from django.utils import timezone

from chat import payloads
from chat.models import SYSTEM_USERNAME, Block, Room, direct_key
from chat.queries import blocks, people
from notifications.payloads import inbox
from realtime.core.heads import Heads, changing
from realtime.protocol.errors import BadRequest, NotFound, TooMany


def block(*, actor_id: int, user_id: int) -> Block:
    """Block a user. Repeating it changes nothing."""
    blocked = people.user(user_id)
    if user_id == actor_id:
        raise BadRequest("user: expected someone other than yourself")
    if blocked.username == SYSTEM_USERNAME:
        raise BadRequest("user: system messages can't be blocked")
    with changing(inbox(actor_id), *_conversation(actor_id, user_id)) as heads:
        row = (
            Block.objects.filter(user_id=actor_id, blocked_id=user_id)
            .select_related("blocked")
            .first()
        )
        if row is not None and row.lifted_at is None:
            return row
        if len(blocks.blocks(actor_id)) >= blocks.MAX_BLOCKS:
            raise TooMany(
                "You've blocked {count} people, the most allowed. Unblock someone first.",
                count=blocks.MAX_BLOCKS,
            )
        row = row or Block(user_id=actor_id, blocked=blocked)
        row.blocked_at, row.lifted_at = timezone.now(), None
        _save(heads, row)
    return row


def unblock(*, actor_id: int, user_id: int) -> Block:
    """Lift a block. Repeating it changes nothing."""
    people.user(user_id)
    with changing(inbox(actor_id)) as heads:
        row = (
            Block.objects.filter(user_id=actor_id, blocked_id=user_id)
            .select_related("blocked")
            .first()
        )
        if row is None:
            raise NotFound("You haven't blocked this person.")
        if row.lifted_at is None:
            row.lifted_at = timezone.now()
            _save(heads, row)
    return row


def _save(heads: Heads, row: Block) -> None:
    mine = inbox(row.user_id)
    row.seq = heads.next(mine)
    row.save()
    heads.record(mine, payloads.block_event(row))


def _conversation(one: int, other: int) -> list[str]:
    rooms = Room.objects.filter(direct_key=direct_key(one, other))
    return [payloads.stream(pk) for pk in rooms.values_list("pk", flat=True)]
