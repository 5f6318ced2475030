"""Erasing a person.

Erasure can be started again at any time; it continues where it stopped. Texts
that a case holds stay until the hold ends (``chat.services.retention.holds``).
"""

import secrets
from typing import Final

from django.utils import timezone

from chat.models import (
    Block,
    Bulk,
    DisplaySettings,
    Erasure,
    InviteLink,
    Membership,
    Mention,
    ModerationLog,
    PersonNote,
    ReceiptsOff,
    Renaming,
    Report,
    Room,
    SiteMute,
    State,
    Trace,
)
from chat.queries import people
from chat.queries.moderation.reports import count_held
from chat.services.messages.review import holding
from chat.services.messages.search_terms import forget_deleted_words
from chat.services.moderation.bulk import begin_erasure, run_bulk
from chat.services.people import name_scrubbing, renaming
from chat.services.persistence import log, system_user
from chat.services.rooms.members import leave
from chat.text.names import ERASED_PREFIX
from notifications.models import AnnouncementReading, Notification, Preferences
from realtime.auth.signing_out import delete_sessions
from realtime.core.heads import changing
from realtime.core.users import User
from realtime.models import AccessToken, ReaderLanguage
from realtime.protocol.errors import Forbidden

RANDOM_NAME_BYTES: Final = 4


def is_erased(user_id: int) -> bool:
    """Return whether an account was erased. Its name is no proof: others may have chosen it."""
    return ModerationLog.objects.filter(
        subject_id=user_id, action=ModerationLog.Action.ERASE
    ).exists()


def _erased_name(user_id: int) -> str:
    """Return the username of an erased account.

    Nobody can choose such a name today, but an older account may have one.
    """
    name = f"{ERASED_PREFIX}{user_id}"
    while User.objects.filter(username=name).exclude(pk=user_id).exists():
        name = f"{ERASED_PREFIX}{user_id}-{secrets.token_hex(RANDOM_NAME_BYTES)}"
    return name


def erase_person(*, actor_id: int, user_id: int, seconds: float, reason: str = "") -> Bulk:
    """Erase a person's data for at most ``seconds``. Call it again until the bulk is finished.

    1. The account loses its name, address, password, rights and tokens. Its sockets close within a
       second on every node.
    2. Rows that show the old name are published again with the new one, notifications included.
    3. It leaves its rooms and declines invitations; rooms that it alone owned are offered to
       another owner, its invitation links end.
    4. The moderation log keeps that it was renamed, but not the names.
    5. Data that only this person could read is deleted: sessions, notifications, preferences and
       blocks.
    6. Its names are replaced where other rows repeat them (``name_scrubbing``).
    7. Its messages are deleted for good in batches (``services.bulk``), also removed ones, and
       then their words leave the search index.
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
    erasure = Erasure.objects.get(user_id=user_id)
    if erasure.finished_at is None:
        name_scrubbing.scrub(erasure)
    bulk = begin_erasure(actor_id=actor_id, user_id=user_id, reason=reason)
    bulk = run_bulk(bulk_id=bulk.pk, seconds=seconds)
    finish_erasures()
    return bulk


def finish_erasures() -> int:
    """Take the last step of erasures whose messages are deleted. Returns how many there were."""
    erased = Bulk.objects.filter(act=Bulk.Act.ERASE).exclude(finished_at=None)
    rows = Erasure.objects.filter(
        finished_at=None, step__gte=name_scrubbing.STEPS, user__in=erased.values("author")
    )
    found = list(rows.values_list("pk", flat=True))
    if found:
        forget_deleted_words()
        with changing():
            Erasure.objects.filter(pk__in=found).update(
                usernames=[], full_name="", finished_at=timezone.now()
            )
    return len(found)


def _anonymise(user: User, actor_id: int, reason: str) -> User:
    if is_erased(user.pk) and not user.is_active and not user.has_usable_password():
        _remember(user)
        return user
    held = count_held(user.pk)
    with changing():
        user = User.objects.select_for_update().get(pk=user.pk)
        _remember(user)
        user.username, user.first_name, user.last_name, user.email = (
            _erased_name(user.pk),
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
        log(
            ModerationLog.Action.ERASE,
            actor_id=actor_id,
            reason=reason,
            subject_id=user.pk,
            details={"held": held} if held else None,
        )
    return user


def _remember(user: User) -> None:
    """Note the names to look for, also earlier ones, which the log has until the next step."""
    renamed = ModerationLog.objects.filter(
        subject_id=user.pk, action=ModerationLog.Action.RENAME
    ).order_by("-pk")
    changes = [details.get("username", []) for details in renamed.values_list("details", flat=True)]
    names = [user.username, *(name for change in changes for name in change)]
    erased = f"{ERASED_PREFIX}{user.pk}"
    Erasure.objects.get_or_create(
        user=user,
        defaults={
            "usernames": [name for name in dict.fromkeys(names) if not name.startswith(erased)],
            "full_name": user.get_full_name(),
        },
    )


def _leave_rooms(user_id: int) -> None:
    rooms = Membership.objects.filter(
        user_id=user_id, state__in=[State.ACTIVE, State.INVITED]
    ).exclude(room__kind=Room.Kind.DIRECT)
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
        for model in (
            *(Notification, AnnouncementReading, Preferences, Mention, Block, Trace),
            ReceiptsOff,
        ):
            model.objects.filter(user_id=user_id).delete()
        ReaderLanguage.objects.filter(user_id=user_id).delete()
        DisplaySettings.objects.filter(pk=user_id).delete()
        Report.objects.filter(reporter_id=user_id).update(note="")
        PersonNote.objects.filter(subject_id=user_id).delete()
        SiteMute.objects.filter(pk=user_id).delete()
        holding.forget(user_id)
    delete_sessions(user_id)
