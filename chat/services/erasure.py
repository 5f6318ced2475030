"""One person's data: taken out, and erased. Erasing can be begun again at any time, and goes on from where it is."""

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
from chat.services import name_scrubbing, renaming
from chat.services.bulk import begin_erasure, run_bulk
from chat.services.members import leave
from chat.services.persistence import log, system_user
from notifications.models import AnnouncementReading, Notification, Preferences
from realtime.auth.signing_out import delete_sessions
from realtime.core.heads import changing
from realtime.models import AccessToken
from realtime.protocol.errors import Forbidden

Action = ModerationLog.Action


def erased_name(user_id: int) -> str:
    """Return the username of an account whose person is erased."""
    return f"deleted-{user_id}"


def note_export(
    *,
    actor_id: int,
    reason: str,
    subject_id: int | None = None,
    room_id: int | None = None,
    message_id: int | None = None,
) -> None:
    """Write into the moderation log that somebody took data out."""
    room = rooms.room(room_id) if room_id is not None else None
    message = messages.message(message_id) if message_id is not None else None
    with changing():
        log(
            Action.EXPORT,
            actor_id=actor_id,
            reason=reason,
            subject_id=subject_id,
            room=room,
            message=message,
        )


def erase_person(*, actor_id: int, user_id: int, seconds: float, reason: str = "") -> Bulk:
    """Make an account nobody's and delete what its person wrote; runs for so long and can be called again until it is finished.

    1. The account loses its name, address, password, rights and tokens; with it every socket is closed within a second, on any node.
    2. Everything that shows its name shows the new one, as after any renaming, also where others have been told of it in words.
    3. It leaves its rooms; what was an owner's passes on, and its links into rooms let nobody in any more.
    4. The log keeps that it was renamed before, and no longer from what to what.
    5. What only it could read is deleted: sessions, notifications, what it had chosen, whom it had blocked.
    6. Its texts are deleted for ever in batches (``services.bulk``), also those that moderators can restore.
    """
    user = people.user(user_id)
    if user_id == system_user().pk or user.is_superuser or people.is_site_moderator(user_id):
        raise Forbidden("Moderators of the site are not erased; take the role away first.")
    user = _anonymise(user, actor_id, reason)
    for row in Renaming.objects.filter(user_id=user_id, finished_at=None):
        renaming.finish(row, but=(renaming.move_messages,))  # the last step moves them all
    name_scrubbing.unname(user)
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
        log(Action.ERASE, actor_id=actor_id, reason=reason, subject_id=user.pk)
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
    """Empty the entries of earlier renamings: the one change of the log that its trigger lets through."""
    with changing():
        ModerationLog.objects.filter(subject_id=user_id, action=Action.RENAME).exclude(
            details={}
        ).update(details={})


def _forget(user_id: int) -> None:
    """Delete what only the person could read. Nobody follows their inbox any more, so its replay is nobody's."""
    with changing():
        for model in (Notification, AnnouncementReading, Preferences, Mention, Block):
            model.objects.filter(user_id=user_id).delete()
        Report.objects.filter(reporter_id=user_id).update(note="")
        SiteMute.objects.filter(pk=user_id).delete()
    delete_sessions(user_id)
