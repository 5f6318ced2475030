"""Reports of a person or a room. Reports of messages are in ``messages.reports``.

The case keeps the names as they were when it was opened.
"""

from django.utils import timezone

from chat import payloads, policies
from chat.errors import AlreadyReported
from chat.models import NOTE_MAX_LENGTH, Case, Membership, Report, Role, Room, State
from chat.queries import people, rooms
from chat.queries.moderation import reports
from chat.services.messages.review import case_records, queueing
from chat.services.persistence import system_user
from notifications.payloads import inbox
from realtime.core.heads import changing
from realtime.protocol.errors import BadRequest, Forbidden


def report_person(*, actor_id: int, user_id: int, category: str, note: str = "") -> Report:
    """Report an account: its name, or what it does as a whole. Only moderators see the reporter."""
    note = _check(category, note)
    user = people.user(user_id)
    if user_id in (actor_id, system_user().pk):
        raise Forbidden("You can't report this account.")
    with changing(inbox(user_id)):
        reports.check_number(actor_id)
        name = case_records.author_name(user)
        return _report(
            Case(kind=Case.Kind.PERSON, author=user, author_name=name, body=name),
            actor_id,
            category,
            note,
        )


def report_room(*, actor_id: int, room_id: int, category: str, note: str = "") -> Report:
    """Report a room that the actor can read: its name, its topic, or what it is used for."""
    note = _check(category, note)
    policies.check_not_direct(rooms.readable_room(room_id, actor_id).room)
    with changing(payloads.stream(room_id)):
        reports.check_number(actor_id)
        room = rooms.room(room_id)
        owner = _owner(room)
        return _report(
            Case(
                kind=Case.Kind.ROOM,
                author_id=owner,
                room=room,
                author_name=case_records.author_name(people.user(owner)),
                body="\n".join(filter(None, [f"{room.name} (#{room.slug})", room.topic])),
            ),
            actor_id,
            category,
            note,
        )


def _owner(room: Room) -> int:
    """Return the owner who has been one for longest. A room of the system has none."""
    owners = Membership.objects.filter(room=room, role=Role.OWNER, state=State.ACTIVE)
    found = owners.order_by("joined_at").values_list("user_id", flat=True).first()
    return found or system_user().pk


def _check(category: str, note: str) -> str:
    if category not in Report.Category.values:
        raise BadRequest(
            "category: expected one of {values}", values=", ".join(Report.Category.values)
        )
    return policies.clean(note, name="note", limit=NOTE_MAX_LENGTH)


def _report(new: Case, actor_id: int, category: str, note: str) -> Report:
    """Add a report to the open case of the same person or room, or open the new one."""
    now = timezone.now()
    standing = Case.objects.filter(
        kind=new.kind, author=new.author_id, room=new.room_id, status=Report.Status.OPEN
    )
    case = standing.first()
    if case is None:
        case, new.opened_at, new.written_at = new, now, now
        case.save()
    elif Report.objects.filter(case=case, reporter=actor_id).exists():
        raise AlreadyReported("You've already reported this. Moderators have not decided yet.")
    queueing.count(case, [(actor_id, category)])
    return Report.objects.create(
        case=case,
        author_id=case.author_id,
        reporter_id=actor_id,
        category=category,
        note=note,
        created_at=now,
    )
