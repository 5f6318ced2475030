"""Export and erasure of one person's data.

Erasure can be started again at any time; it continues where it stopped.
"""

from django.contrib.auth.models import User
from django.utils import timezone

from chat.models import (
    Block,
    Bulk,
    InviteLink,
    Membership,
    Mention,
    ModerationLog,
    Renaming,
    Report,
    Room,
    SiteMute,
    State,
)
from chat.queries import messages, people, rooms
from chat.services.moderation.bulk import begin_erasure, run_bulk
from chat.services.people import renaming
from chat.services.persistence import log, system_user
from chat.services.rooms.members import leave
from notifications.models import AnnouncementReading, Notification, Preferences
from realtime.auth.signing_out import delete_sessions
from realtime.core.heads import changing
from realtime.models import AccessToken
from realtime.protocol.errors import Forbidden


def erased_name(user_id: int) -> str:
    """Return the username of an erased account."""
    return f"deleted-{user_id}"


def log_export(
    *,
    actor_id: int,
    reason: str,
    subject_id: int | None = None,
    room_id: int | None = None,
    message_id: int | None = None,
) -> None:
    """Add an export of data to the moderation log."""
    room = rooms.room(room_id) if room_id is not None else None
    message = messages.message(message_id) if message_id is not None else None
    with changing():
        log(
            ModerationLog.Action.EXPORT,
            actor_id=actor_id,
            reason=reason,
            subject_id=subject_id,
            room=room,
            message=message,
        )


def erase_person(*, actor_id: int, user_id: int, seconds: float, reason: str = "") -> Bulk:
    """Erase a person's data for at most ``seconds``. Call it again until the bulk is finished.

    1. The account loses its name, address, password, rights and tokens. Its sockets close within a
       second on every node.
    2. Rows that show the old name are published again with the new one, notifications included.
    3. It leaves its rooms; rooms that it alone owned get another owner, its invitation links end.
    4. The moderation log keeps that it was renamed, but not the names.
    5. Data that only this person could read is deleted: sessions, notifications, preferences and
       blocks.
    6. Its messages are deleted for good in batches (``services.bulk``), also removed ones.
    """
    user = people.user(user_id)
    if user_id == system_user().pk or user.is_superuser or people.is_site_moderator(user_id):
        raise Forbidden("You can't erase a site moderator. Remove their role first.")
    user = _anonymise(user, actor_id, reason)
    for row in Renaming.objects.filter(user_id=user_id, finished_at=None):
        renaming.finish(row, but=(renaming.move_messages,))  # the last step moves them all
    _leave_rooms(user_id)
    _erase_names(user_id)
    _forget(user_id)
    return run_bulk(
        bulk_id=begin_erasure(actor_id=actor_id, user_id=user_id, reason=reason).pk, seconds=seconds
    )


def _anonymise(user: User, actor_id: int, reason: str) -> User:
    if user.username == erased_name(user.pk) and not user.is_active:
        return user
    with changing():
        user = User.objects.select_for_update().get(pk=user.pk)
        user.username, user.first_name, user.last_name, user.email = (
            erased_name(user.pk),
            "",
            "",
            "",
        )
        user.is_active = user.is_staff = False
        user.last_login = None
        user.set_unusable_password()
        user.groups.clear()
        user.user_permissions.clear()
        user.save()  # closes the sockets after the commit (realtime.auth.revocation)
        renaming.begin(user)
        AccessToken.objects.filter(user=user).delete()
        log(ModerationLog.Action.ERASE, actor_id=actor_id, reason=reason, subject_id=user.pk)
    return user


def _leave_rooms(user_id: int) -> None:
    rooms = Membership.objects.filter(user_id=user_id, state=State.ACTIVE).exclude(
        room__kind=Room.Kind.DIRECT
    )
    for room_id in list(rooms.order_by("pk").values_list("room_id", flat=True)):
        leave(actor_id=user_id, room_id=room_id)
    with changing():
        InviteLink.objects.filter(created_by_id=user_id, revoked_at=None).update(
            revoked_at=timezone.now(), revoked_by_id=user_id
        )


def _erase_names(user_id: int) -> None:
    """Empty the log entries of renamings, the one change that the log's trigger allows."""
    with changing():
        ModerationLog.objects.filter(
            subject_id=user_id, action=ModerationLog.Action.RENAME
        ).exclude(details={}).update(details={})


def _forget(user_id: int) -> None:
    """Delete data that only the person could read. Their inbox has no followers any more."""
    with changing():
        for model in (Notification, AnnouncementReading, Preferences, Mention, Block):
            model.objects.filter(user_id=user_id).delete()
        Report.objects.filter(reporter_id=user_id).update(note="")
        SiteMute.objects.filter(pk=user_id).delete()
    delete_sessions(user_id)
