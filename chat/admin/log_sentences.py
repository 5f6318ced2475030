"""What moderators did, in words: one sentence for each entry of the log, with links or without."""

import re
from typing import Any, Final

from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from chat.admin import details, formatting
from chat.models import ModerationLog, State
from chat.moderation import site_bans
from realtime.auth.revocation_timing import Measured
from realtime.models import Ending

Action = ModerationLog.Action

# {person}: to whom it was done; {message} and {room}: where. What stands in brackets is left out
# where an entry does not have it.
_SENTENCES: Final[dict[str, Any]] = {
    Action.DELETE: _("removed {message} of {person} in {room}"),
    Action.RESTORE: _("restored {message} of {person} in {room}"),
    Action.HIDE: _("hid {message} of {person} in {room}"),
    Action.SHOW: _("showed {message} of {person} in {room} again"),
    Action.RESOLVE: _("decided a report: {message} of {person} in {room} is removed"),
    Action.DISMISS: _("decided a report: {message} of {person} in {room} stays"),
    Action.MUTE: _("muted {person} in {room}"),
    Action.UNMUTE: _("let {person} speak again in {room}"),
    Action.REMOVE: _("removed {person} from {room}"),
    Action.BAN: _("banned {person} from {room}"),
    Action.UNBAN: _("lifted the ban of {person} from {room}"),
    Action.SITE_MUTE: _("muted {person} in all rooms"),
    Action.SITE_UNMUTE: _("let {person} speak again in all rooms"),
    Action.SITE_BAN: _("banned {person} from the site"),
    Action.SITE_UNBAN: _("lifted the ban of {person} from the site"),
    Action.SIGN_OUT: _("signed {person} out everywhere"),
    Action.DEACTIVATE: _("deactivated the account of {person}"),
    Action.ACTIVATE: _("activated the account of {person} again"),
    Action.ROLE: _("changed the role of {person} in {room}"),
    Action.RENAME: _("renamed {room}"),
    Action.TOPIC: _("changed the topic of {room}"),
    Action.SLOW_MODE: _("changed the slow mode of {room}"),
    Action.LOCK: _("locked {room}"),
    Action.UNLOCK: _("unlocked {room}"),
    Action.ARCHIVE: _("archived {room}"),
    Action.UNARCHIVE: _("opened {room} again"),
    Action.LINK: _("made a link into {room}"),
    Action.REVOKE_LINK: _("took back a link into {room}"),
    Action.FILTER: _("changed the filters[ of {room}]"),
    Action.BULK: _("removed or restored many messages[ of {person}][ in {room}]"),
    Action.EXPORT: _("took out data[ of {person}][ in {room}][ around {message}]"),
    Action.ERASE: _("erased {person}"),
}
_RENAMED: Final = _("gave {person} another name")  # rooms are renamed as well


def told(row: ModerationLog) -> SafeString:
    """Return the sentence with links to the person, the message and the room."""
    is_renamed = row.action == Action.RENAME and row.subject_id is not None
    sentence = str(_RENAMED if is_renamed else _SENTENCES.get(row.action) or _plain(row))
    for name, ident in {
        "person": row.subject_id,
        "room": row.room_id,
        "message": row.message_id,
    }.items():
        if ident is None:
            sentence = re.sub(rf"\[[^][]*\{{{name}\}}[^][]*\]", "", sentence)
    sentence = re.sub(r"[][]", "", sentence)
    words = format_html(
        sentence,
        person=formatting.person(row.subject),
        room=formatting.room(row.room),
        message=formatting.message(row.message_id, _("a message")),
    )
    more = details.words(row.details)
    return format_html("{}, {}", words, more) if more else words


def deed(row: ModerationLog) -> str:
    """Return the same without links."""
    return strip_tags(told(row))


def ended(found: Measured) -> str:
    """Say how long it took until nobody had the access any more, and who has not answered."""
    if found.milliseconds is None:
        words = "" if found.missing else _("no connection was open")
    else:
        words = ngettext(
            "%(count)d connection in %(ms)d ms", "%(count)d connections in %(ms)d ms", found.closed
        ) % {
            "count": found.closed,
            "ms": found.milliseconds,
        }
    if not found.missing:
        return str(words)
    silent = _("not confirmed by %s") if found.is_late else _("waiting for %s")
    return ", ".join(filter(None, [str(words), str(silent) % ", ".join(found.missing)]))


def why(ending: Ending) -> str:
    """Say why an access ended: what became of somebody in a room, a ban of the site with its reason, or what ended all sessions."""
    if ending.reason in State:
        return formatting.inside(str(State(ending.reason).label))
    return site_bans.translated(ending.reason) or gettext(ending.reason)


def _plain(row: ModerationLog) -> str:
    """Return words for an act that this table does not know: those of another app."""
    return f"{row.get_action_display().lower()}[ {{message}}][ {{person}}][ {{room}}]"
