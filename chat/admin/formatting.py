"""People, rooms, messages and times as lists and pages show them."""

from datetime import datetime
from typing import Any, Final

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy

from chat.models import Case, Message, Report, Room
from realtime.core.users import User
from realtime.site import visible_text
from realtime.site.time_zones import spoken

EXCERPT: Final = 90  # characters: the width of a column
HIDDEN: Final = gettext_lazy("(hidden: direct conversation)")
_DECIDED: Final = {
    Report.Status.DISMISSED: (gettext_lazy("Kept"), gettext_lazy("Kept by %(name)s")),
    Report.Status.RESOLVED: (gettext_lazy("Removed"), gettext_lazy("Removed by %(name)s")),
}
_DECIDED_HELD: Final = {
    Report.Status.DISMISSED: (gettext_lazy("Accepted"), gettext_lazy("Accepted by %(name)s")),
    Report.Status.RESOLVED: (gettext_lazy("Refused"), gettext_lazy("Refused by %(name)s")),
}


def isolated(text: object) -> str:
    """Return a text whose direction leaves the sentence around it alone.

    A Latin name at the edge of an Arabic sentence would otherwise move the colon beside it.
    """
    return visible_text.isolated(str(text))


def link(model: str, pk: int, text: object) -> SafeString:
    return format_html(
        '<a href="{}"><bdi>{}</bdi></a>', reverse(f"admin:chat_{model}_change", args=[pk]), text
    )


def list_link(model: str, text: object, **query: Any) -> SafeString:
    """Return a link to a list that is narrowed by one column."""
    ((column, value),) = query.items()
    url = reverse(f"admin:chat_{model}_changelist")
    return format_html('<a href="{}?{}={}">{}</a>', url, column, value, text)


def person(user: User | None) -> SafeString | str:
    return "—" if user is None else link("person", user.pk, user.username)


def room(found: Room | None) -> SafeString | str:
    """Return a link to a room; a direct conversation has no page, as it would name both people."""
    if found is None:
        return "—"
    if found.is_direct:
        return gettext("direct conversation")
    return link("room", found.pk, f"#{found.slug}")


def message(pk: int | None, text: object = "") -> SafeString | str:
    if pk is None:
        return "—"
    return link("message", pk, text or gettext("Message %(id)s") % {"id": pk})


def numbered(found: Message) -> SafeString:
    """Return a link to a message by its number in the room."""
    return link("message", found.pk, gettext("No. %(number)s") % {"number": found.number})


def text(found: Message) -> str:
    """Return the beginning of a message; direct messages are shown in reports only."""
    if found.is_deleted:
        return gettext("(deleted)")
    if found.room.is_direct:
        return str(HIDDEN)
    if found.is_hidden:
        return gettext("(hidden) %(text)s") % {"text": excerpt(found.held_text.body)}
    return excerpt(found.body)


def excerpt(body: str) -> str:
    line = " ".join(body.split())
    return line if len(line) <= EXCERPT else f"{line[: EXCERPT - 1]}…"


def case_state(found: Case) -> SafeString:
    """Return the state of a case, and the moderator who has it or has decided it."""
    state = str(found.status)
    decided = _DECIDED_HELD if found.kind == Case.Kind.HELD else _DECIDED
    if found.kind == Case.Kind.HELD and found.closed_by_id == found.author_id:
        label = gettext("Withdrawn")
    elif found.status in decided:
        short, long = decided[Report.Status(found.status)]
        by = found.closed_by
        label = str(long % {"name": isolated(by.username)} if by else short)
    elif found.assigned_to is not None and found.holder_id is not None:
        state = "assigned"
        label = gettext("Assigned to %(name)s") % {"name": isolated(found.assigned_to.username)}
    else:
        label = gettext("Open")
    return format_html('<span class="tag tag--{}">{}</span>', state, label)


def moment(at: datetime | None) -> SafeString | str:
    """Return a time as all pages write it, with the exact one as its title."""
    if at is None:
        return "—"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(),
        spoken(at, seconds=True),
        spoken(at),
    )


def full_text(body: str) -> SafeString:
    """Return a text with its own line breaks and without markup."""
    return format_html('<span class="message-text" dir="auto">{}</span>', body)


def at_most(number: int, most: int) -> str:
    """Return a number, with a plus where counting stopped."""
    return f"{most}+" if number >= most else str(number)
