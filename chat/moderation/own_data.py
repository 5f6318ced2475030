"""A user's own data, complete: as JSON for programs, and as a page for people.

It contains neither messages of others, nor the users who reported or moderated this one, nor open
cases.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from django.contrib.admin.models import LogEntry
from django.db.models import Model, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.html import escape
from django.utils.translation import get_language, get_language_bidi, gettext, override
from django.utils.translation import gettext_lazy as _

from chat.models import (
    Block,
    Case,
    DisplaySettings,
    Filter,
    HeldPost,
    HeldText,
    InviteLink,
    Membership,
    Mention,
    Message,
    ModerationLog,
    ReceiptsOff,
    RemovedText,
    Renaming,
    Report,
    Room,
    SignUpRequest,
    SiteBan,
    SiteMute,
    Trace,
)
from chat.moderation.archives import File, as_line, chunks, paged
from chat.moderation.evidence import entry_for_subject, message_record
from chat.payloads import moment
from notifications import payloads
from notifications.kinds import Label, detail, sentence
from notifications.models import (
    AnnouncementReading,
    Broadcast,
    BroadcastEdit,
    Notification,
    Preferences,
)
from notifications.queries import people_in
from realtime.core.users import User
from realtime.models import AccessToken, ReaderLanguage, Revocation, UserSession

PAGE: Final = "index.html"
Row = dict[str, Any]


class Section(NamedTuple):
    """One kind of data: a file of JSON lines, and a table of the page."""

    name: str
    title: Label
    rows: Callable[[User], Iterable[Row]]


def own_data(user: User) -> Iterator[File]:
    """Yield the files of a user's own data."""
    yield PAGE, _page(user)
    for section in SECTIONS:
        yield f"{section.name}.jsonl", (as_line(row) for row in section.rows(user))


# -- the page --------------------------------------------------------------------------------------


def _page(user: User) -> Iterator[bytes]:
    title = escape(gettext("Personal data of %(name)s") % {"name": user.username})
    direction = "rtl" if get_language_bidi() else "ltr"
    yield (
        f'<!doctype html><html lang="{get_language()}" dir="{direction}"><meta charset="utf-8">'
        f"<title>{title}</title><h1>{title}</h1>\n"
    ).encode()
    for section in SECTIONS:
        yield f"<h2>{escape(section.title)}</h2>\n".encode()
        yield from _table(section.rows(user))
    yield b"</html>\n"


def _table(rows: Iterable[Row]) -> Iterator[bytes]:
    columns: list[str] = []
    for row in rows:
        if not columns:
            columns = list(row)
            head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in columns)
            yield f'<table border="1"><tr>{head}</tr>\n'.encode()
        cells = "".join(f'<td dir="auto">{escape(_shown(row[name]))}</td>' for name in columns)
        yield f"<tr>{cells}</tr>\n".encode()
    yield b"</table>\n" if columns else f"<p>{escape(gettext('Nothing'))}</p>\n".encode()


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "—"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


# -- the account -----------------------------------------------------------------------------------


def _account(user: User) -> Iterable[Row]:
    language = ReaderLanguage.objects.filter(pk=user.pk).values_list("language", flat=True).first()
    asked = SignUpRequest.objects.filter(pk=user.pk).values_list("created_at", flat=True).first()
    yield {
        "id": user.pk,
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "joined": moment(user.date_joined),
        "last_login": moment(user.last_login),
        "is_active": user.is_active,
        "asked_for_at": moment(asked),
        "language": language,
        "roles": sorted(user.groups.values_list("name", flat=True)),
    }


def _renamings(user: User) -> Iterable[Row]:
    for row in paged(Renaming.objects.filter(user=user)):
        yield {"at": moment(row.created_at)}


def _preferences(user: User) -> Iterable[Row]:
    for row in Preferences.objects.filter(user=user):
        yield {
            "not_in_the_inbox": row.inbox_off,
            "not_on_the_desktop": row.desktop_off,
            "quiet_from": row.quiet_from,
            "quiet_to": row.quiet_to,
        }


def _receipts(user: User) -> Iterable[Row]:
    for row in ReceiptsOff.objects.filter(user=user):
        yield {"read_receipts": False, "since": moment(row.since)}


def _display(user: User) -> Iterable[Row]:
    for row in DisplaySettings.objects.filter(pk=user.pk):
        yield {
            "theme": row.theme,
            "density": row.density,
            "clock": row.clock,
            "folded_sections": row.folded,
            "unread_first": row.unread_first,
        }


def _tokens(user: User) -> Iterable[Row]:
    for row in AccessToken.objects.filter(user=user).order_by("pk"):
        yield {
            "made_at": moment(row.created_at),
            "expires_at": moment(row.expires_at),
            "last_used_at": moment(row.last_used_at),
        }


def _sessions(user: User) -> Iterable[Row]:
    for row in UserSession.objects.filter(user=user).order_by("pk"):
        yield {
            "browser": row.browser,
            "network": row.network,
            "began_at": moment(row.created_at),
            "last_seen_at": moment(row.last_seen_at),
        }


def _sign_outs(user: User) -> Iterable[Row]:
    for row in paged(Revocation.objects.filter(user=user)):
        yield {"at": moment(row.created_at), "reason": row.reason}


def _blocks(user: User) -> Iterable[Row]:
    for row in paged(Block.objects.filter(user=user).select_related("blocked")):
        yield {
            "blocked": row.blocked.username,
            "blocked_at": moment(row.blocked_at),
            "lifted_at": moment(row.lifted_at),
        }


# -- rooms and messages ----------------------------------------------------------------------------


def _memberships(user: User) -> Iterable[Row]:
    for row in paged(Membership.objects.filter(user=user).select_related("room")):
        yield {
            "room": _room(row.room),
            "role": row.role,
            "state": row.state,
            "notification_level": row.involvement,
            "notifications_off_until": moment(row.quiet_until),
            "invited_at": moment(row.invited_at),
            "joined_at": moment(row.joined_at),
            "read_number": row.read_number,
            "last_posted_at": moment(row.last_posted_at),
            "favourite": row.favourite,
            "muted_until": moment(row.muted_until),
            "banned_until": moment(row.banned_until),
        }


def _rooms(user: User) -> Iterable[Row]:
    for row in paged(Room.objects.filter(created_by=user)):
        yield {
            "room": _room(row),
            "name": row.name,
            "topic": row.topic,
            "kind": row.kind,
            "created_at": moment(row.created_at),
        }


def _links(user: User) -> Iterable[Row]:
    for row in paged(InviteLink.objects.filter(created_by=user).select_related("room")):
        yield {
            "room": _room(row.room),
            "created_at": moment(row.created_at),
            "expires_at": moment(row.expires_at),
            "uses": row.uses,
            "revoked_at": moment(row.revoked_at),
        }


def _messages(user: User) -> Iterable[Row]:
    related = ("room", "author", "removed_text__removed_by", "removed_text__bulk", "held_text")
    rows = Message.objects.filter(author=user).select_related(*related, "held_text__hidden_by")
    for row in paged(rows):
        found = message_record(row)
        yield {name: found[name] for name in found if name not in _NOT_TO_THE_AUTHOR}


_NOT_TO_THE_AUTHOR: Final = ("author", "removed_by", "removal_reason", "hidden_by")


def _held_posts(user: User) -> Iterable[Row]:
    for row in paged(HeldPost.objects.filter(author=user).select_related("case", "room")):
        yield {
            "room": _room(row.room),
            "text": row.case.body,
            "state": row.state,
            "created_at": moment(row.created_at),
            "decided_at": moment(row.case.closed_at),
            "reason": row.case.reason,
        }


def _reactions(user: User) -> Iterable[Row]:
    """Yield reactions, also to messages that were removed or hidden.

    No index has them, which is acceptable for a query that is rarely needed.
    """
    tables: tuple[tuple[type[Model], str], ...] = (
        (Message, "pk"),
        (RemovedText, "message_id"),
        (HeldText, "message_id"),
    )
    for model, message in tables:
        rows: QuerySet[Any] = model._default_manager.alias(text=Cast("reactions", TextField()))
        for row in paged(rows.filter(text__contains=str(user.pk))):
            emoji = [each for each, people in row.reactions.items() if user.pk in people]
            if emoji:
                yield {"message": getattr(row, message), "emoji": emoji}


def _mentions(user: User) -> Iterable[Row]:
    for row in paged(Mention.objects.filter(user=user).select_related("room")):
        yield {"room": _room(row.room), "message_number": row.number}


# -- notifications ---------------------------------------------------------------------------------


def _notifications(user: User) -> Iterable[Row]:
    for found in chunks(paged(Notification.objects.filter(user=user))):
        people = people_in(found)
        for row in found:
            with override("en"):  # as the names of the fields
                shown = payloads.notification(row, people)
                line = {
                    "kind": shown["kind"],
                    "title": sentence(shown),
                    "body": detail(shown),
                    "created_at": shown["created_at"],
                    "read_at": shown["read_at"],
                }
            yield line


def _announcements(user: User) -> Iterable[Row]:
    rows = AnnouncementReading.objects.filter(user=user).select_related("announcement")
    for row in paged(rows):
        yield {"announcement": row.announcement.title, "read_at": moment(row.read_at)}


def _broadcasts(user: User) -> Iterable[Row]:
    for row in paged(Broadcast.objects.filter(created_by=user)):
        yield {
            "title": row.title,
            "body": row.body,
            "audience": row.targets,
            "sent_at": moment(row.created_at),
        }
    for edit in paged(BroadcastEdit.objects.filter(edited_by=user).select_related("broadcast")):
        yield {"edited_broadcast": edit.broadcast.title, "edited_at": moment(edit.edited_at)}


# -- moderation ------------------------------------------------------------------------------------


def _reports(user: User) -> Iterable[Row]:
    for row in paged(Report.objects.filter(reporter=user).select_related("case")):
        other = row.case is not None and row.case.kind != Case.Kind.MESSAGE
        yield {
            "message": row.message_id,
            "person": row.author_id if other and row.case and row.case.room_id is None else None,
            "room": row.case.room_id if other and row.case else None,
            "category": row.category,
            "note": row.note,
            "status": row.status,
            "created_at": moment(row.created_at),
            "closed_at": moment(row.closed_at),
        }


def _cases(user: User) -> Iterable[Row]:
    """Yield appeals and closed cases; another open one would warn the person concerned."""
    rows = Case.objects.filter(author=user).exclude(
        ~Q(kind=Case.Kind.APPEAL), status=Report.Status.OPEN
    )
    for row in paged(rows.prefetch_related("revisions")):
        yield {
            "kind": row.kind,
            "message": row.message_id,
            "status": row.status,
            "closed_at": moment(row.closed_at),
            "reason": row.reason,
            "reported_text": row.body,
            "changes": [
                {"act": change.act, "text": change.body, "at": moment(change.at)}
                for change in row.revisions.all()
            ],
        }


def _moderation(user: User) -> Iterable[Row]:
    for row in paged(ModerationLog.objects.filter(subject=user).select_related("room")):
        found = entry_for_subject(row)
        # The word of a filter would tell people how to pass it.
        found["details"] = {name: row.details[name] for name in row.details if name != "filter"}
        yield found


def _bans(user: User) -> Iterable[Row]:
    for row in paged(SiteBan.objects.filter(user=user)):
        yield {
            "reason": row.reason,
            "since": moment(row.created_at),
            "until": moment(row.until),
            "lifted_at": moment(row.lifted_at),
        }


def _mutes(user: User) -> Iterable[Row]:
    for row in SiteMute.objects.filter(pk=user.pk):
        yield {"until": moment(row.until), "reason": row.reason, "since": moment(row.created_at)}


def _traces(user: User) -> Iterable[Row]:
    """Yield what may connect the account with others. Only digests are kept."""
    for row in paged(Trace.objects.filter(user=user)):
        yield {
            "kind": row.kind,
            "first_at": moment(row.first_at),
            "last_at": moment(row.seen_at),
            "digest": row.digest,
        }


def _acts(user: User) -> Iterable[Row]:
    for row in paged(ModerationLog.objects.filter(actor=user).select_related("room")):
        yield entry_for_subject(row)


def _filters(user: User) -> Iterable[Row]:
    for row in paged(Filter.objects.filter(created_by=user)):
        yield {"text": row.text, "created_at": moment(row.created_at)}


def _admin_changes(user: User) -> Iterable[Row]:
    for row in paged(LogEntry.objects.filter(user=user)):
        yield {"at": moment(row.action_time), "what": row.object_repr}


def _room(room: Room) -> str:
    return "direct conversation" if room.is_direct else f"#{room.slug}"


SECTIONS: Final = (
    Section("account", _("Account"), _account),
    Section("renamings", _("Changes of the name"), _renamings),
    Section("preferences", _("Notification settings"), _preferences),
    Section("receipts", _("Read receipts"), _receipts),
    Section("display", _("Preferences"), _display),
    Section("tokens", _("Access tokens"), _tokens),
    Section("sessions", _("Sessions"), _sessions),
    Section("sign_outs", _("Ended sessions"), _sign_outs),
    Section("blocks", _("Blocked people"), _blocks),
    Section("memberships", _("Rooms"), _memberships),
    Section("rooms", _("Rooms that you created"), _rooms),
    Section("invite_links", _("Invitation links"), _links),
    Section("messages", _("Messages"), _messages),
    Section("held_posts", _("Messages that a filter held for a moderator"), _held_posts),
    Section("reactions", _("Reactions"), _reactions),
    Section("mentions", _("Mentions"), _mentions),
    Section("notifications", _("Notifications"), _notifications),
    Section("announcements", _("Announcements that you read"), _announcements),
    Section("broadcasts", _("Broadcasts that you sent or edited"), _broadcasts),
    Section("reports", _("Your reports"), _reports),
    Section("cases", _("Decisions about your messages"), _cases),
    Section("moderation", _("Actions of moderators"), _moderation),
    Section("bans", _("Bans"), _bans),
    Section("mutes", _("Mutes"), _mutes),
    Section("traces", _("Traces that you may share with other accounts"), _traces),
    Section("acts", _("Your actions as a moderator"), _acts),
    Section("filters", _("Filters that you made"), _filters),
    Section("admin_changes", _("Your changes in the admin"), _admin_changes),
)
