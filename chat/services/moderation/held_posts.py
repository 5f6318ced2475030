"""Decisions about posts that a filter holds: posted as their author wrote them, or refused."""

from django.urls import reverse

from chat import policies
from chat.errors import TooLate
from chat.models import REASON_MAX_LENGTH, Case, HeldPost
from chat.moderation import site_bans
from chat.queries import messages, rooms
from chat.services import notices
from chat.services.messages.post import Acceptance, Post
from chat.services.messages.posting import post_messages
from chat.services.messages.review import holding
from chat.services.moderation import claims
from chat.services.rights import check_above_on_site, check_not_concerned, check_site_moderator
from notifications.payloads import inbox
from notifications.services import notify
from realtime.core.heads import Heads, changing
from realtime.protocol.errors import Forbidden, HoldfastError, NotFound

State = HeldPost.State
REFUSED, REVIEWED_AGAIN = "held_refused", "held_again"  # acts of notifications
MAX_REFUSED = holding.MAX_WAITING  # at once: all that one author can have


def decide_held(
    *,
    actor_id: int,
    case_id: int,
    is_accepted: bool,
    reason: str = "",
    instead_of: int | None = None,
) -> None:
    """Post a held message in its author's name, or refuse it and notify its author.

    Raises ``TooLate`` if it is decided already, and ``Forbidden`` if its author could not post it
    themselves any more.
    """
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    check_site_moderator(actor_id)
    row = HeldPost.objects.select_related("case", "author").filter(pk=case_id).first()
    if row is None or row.state != State.WAITING:
        raise claims.too_late(case_id)
    check_not_concerned(row.case, actor_id)
    claims.check_holder(row.case, actor_id, instead_of)
    if is_accepted:
        _accept(row, Acceptance(case_id=case_id, actor_id=actor_id, reason=reason))
    else:
        _refuse(row, actor_id, reason)


def accept_on_appeal(*, actor_id: int, case_id: int, reason: str) -> None:
    """Post a message that was refused. Posted already or withdrawn, nothing changes.

    Raises ``Forbidden`` if its author could not post it themselves any more.
    """
    row = HeldPost.objects.select_related("case", "author").filter(pk=case_id).first()
    if row is None or row.state not in (State.WAITING, State.REFUSED):
        return
    acceptance = Acceptance(case_id=case_id, actor_id=actor_id, reason=reason, is_of_appeal=True)
    _accept(row, acceptance)


def refuse_all_of(*, actor_id: int, user_id: int, reason: str) -> int:
    """Refuse all posts of a person that wait. Returns how many there were."""
    check_above_on_site(actor_id, user_id)
    rows = holding.waiting(user_id).select_related("case").order_by("pk")[:MAX_REFUSED]
    found = list(rows)
    for row in found:
        _refuse(row, actor_id, reason)
    return len(found)


def review_again(heads: Heads, case: Case, *, actor_id: int) -> None:
    """Let a refused post wait again, in the transaction that opens its case again.

    Raises ``Forbidden`` for an accepted one.
    """
    row = HeldPost.objects.select_related("case").filter(pk=case.pk).first()
    if row is None or row.state != State.REFUSED:
        raise Forbidden("This message was posted. Remove it in the room instead.")
    row.state = State.WAITING
    holding.save(heads, row)
    room = rooms.room(row.room_id)
    notify(
        heads,
        notices.moderation_notice(row.author_id, REVIEWED_AGAIN, room=room, actor_id=actor_id),
    )


def _accept(row: HeldPost, acceptance: Acceptance) -> None:
    if site_bans.current_ban(row.author_id) is not None or not row.author.is_active:
        raise Forbidden("Its author is banned or deactivated. Refuse the message instead.")
    post = Post(
        author_id=row.author_id,
        room_id=row.room_id,
        key=row.key,
        body=row.case.body,
        reply_to=_still_there(row),
        acceptance=acceptance,
    )
    posted = post_messages([post])[0]
    if isinstance(posted, TooLate):
        raise claims.too_late(row.pk)
    if isinstance(posted, HoldfastError):
        raise Forbidden("Its author can't post it now: {why}", why=posted.message)
    if posted.duplicate:  # they sent it again while no filter held it
        with changing(inbox(row.author_id)) as heads:
            holding.check_waiting(acceptance)
            holding.accept(heads, acceptance, posted.message)


def _still_there(row: HeldPost) -> int | None:
    """Return the message that the post replies to, unless it is no longer kept."""
    if row.reply_to_id is None:
        return None
    try:
        original = messages.message(row.reply_to_id)
        policies.check_kept(rooms.room(row.room_id), original.number)
    except NotFound:
        return None
    return row.reply_to_id


def _refuse(row: HeldPost, actor_id: int, reason: str) -> None:
    with changing(inbox(row.author_id)) as heads:
        waiting = HeldPost.objects.select_related("case", "room")
        found = waiting.filter(pk=row.pk, state=State.WAITING).first()
        if found is None:
            raise claims.too_late(row.pk)
        holding.decide(heads, found, State.REFUSED, actor_id=actor_id, reason=reason)
        notice = notices.moderation_notice(
            row.author_id,
            REFUSED,
            room=rooms.room(row.room_id),
            url=reverse("appeal-held", args=[row.pk]),
            actor_id=actor_id,
            reason=reason,
            level="warning",
        )
        notify(heads, notice)
