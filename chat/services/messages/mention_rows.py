"""Which messages mention a person, stored apart from the messages to count the unread ones.

These rows are in no stream: the messages themselves carry their mentions.
"""

from collections.abc import Collection

from chat.models import Membership, Mention, Message, State
from chat.policies import ROOM_MENTION_MAX_MEMBERS
from chat.queries.blocks import blocked_pairs
from chat.services.messages.recipients import Candidates, PreferencesByPerson
from chat.services.messages.rendering import Text

EVERYBODY = 'data-room=""'  # @room as HTML (chat.text.markdown); nobody can write a tag
ROWS_PER_STATEMENT = 500  # @room in a large room: far below the 32,766 parameters of SQLite


def mentions(
    message: Message, text: Text, people: Candidates, members: PreferencesByPerson
) -> list[Mention]:
    """Return the mentions of a message, also of people who have switched their notifications off.

    They may switch them on again.
    """
    if not (text.mentions or text.everybody):
        return []
    found = [
        user_id
        for user_id in people.get(message.room_id, ())
        if (message.room_id, user_id) in members
    ]
    named = found if text.everybody else [user_id for user_id in found if user_id in text.mentions]
    return [
        Mention(user_id=user_id, room_id=message.room_id, number=message.number)
        for user_id in named
        if user_id != message.author_id
    ]


def note(rows: Collection[Mention]) -> None:
    """Store mentions; no query where there are none."""
    if rows:
        Mention.objects.bulk_create(rows, batch_size=ROWS_PER_STATEMENT, ignore_conflicts=True)


def note_again(message: Message) -> None:
    """Store the mentions of a message that is shown again.

    Of people who are in the room now and have not blocked the author.
    """
    members = Membership.objects.filter(room_id=message.room_id, state=State.ACTIVE).exclude(
        user_id=message.author_id
    )
    if EVERYBODY not in message.html:
        members = members.filter(user_id__in=message.mentions)
    user_ids = list(
        members.order_by("user_id").values_list("user_id", flat=True)[:ROOM_MENTION_MAX_MEMBERS]
    )
    blocks = blocked_pairs(user_ids, [message.author_id])
    note(
        [
            Mention(user_id=user_id, room_id=message.room_id, number=message.number)
            for user_id in user_ids
            if (user_id, message.author_id) not in blocks
        ]
    )


def forget(message: Message) -> None:
    """Delete the mentions of a message that mentions nobody any more, or others than before."""
    Mention.objects.filter(room_id=message.room_id, number=message.number).delete()
