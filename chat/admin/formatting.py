"""How people, rooms and texts look in a list."""

from datetime import datetime
from typing import Final

from django.contrib.auth.models import User
from django.db.models import Model
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import get_language, gettext, gettext_noop

from chat.models import Message, Report, Room
from realtime.site.time_zones import WHEN

EXCERPT: Final = 90  # characters: what a column has room for
HIDDEN: Final = gettext_noop("(not shown: a direct conversation)")


def link(row: Model, text: object) -> SafeString:
    """Return a link to the page of a row."""
    return format_html(
        '<a href="{}">{}</a>',
        reverse(f"admin:chat_{row._meta.model_name}_change", args=[row.pk]),
        text,
    )


def person(user: User | None) -> SafeString | str:
    """Return somebody, with a link to their record."""
    if user is None:
        return "—"
    return format_html(
        '<a href="{}">{}</a>', reverse("admin:chat_person_change", args=[user.pk]), user.username
    )


def room(found: Room | None) -> SafeString | str:
    """Return a room, with a link to its page. A direct conversation has none: who talks to whom is nobody's business."""
    if found is None:
        return "—"
    return gettext("direct conversation") if found.is_direct else link(found, f"#{found.slug}")


def message(ident: int | None, words: object = "") -> SafeString | str:
    """Return a message by its id, with a link to its page."""
    if ident is None:
        return "—"
    return format_html(
        '<a href="{}">{}</a>',
        reverse("admin:chat_message_change", args=[ident]),
        words or gettext("message %(ident)s") % {"ident": ident},
    )


def numbered(found: Message) -> SafeString:
    """Return a message by its number in the room, with a link to its page."""
    return link(found, gettext("No. %(number)s") % {"number": found.number})


def text(found: Message) -> str:
    """Return the beginning of a message. Direct ones are read only where one of the two has reported them."""
    if found.is_deleted:
        return gettext("(deleted)")
    if found.room.is_direct:
        return gettext(HIDDEN)
    if found.is_hidden:
        return gettext("(hidden) %(text)s") % {"text": excerpt(found.held_text.body)}
    return excerpt(found.body)


def excerpt(body: str, length: int = EXCERPT) -> str:
    """Return as much of a text as a list has room for."""
    line = " ".join(body.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def inside(label: str) -> str:
    """Return the name of a role or a category as it stands within a line: German nouns keep their capital."""
    return label if (get_language() or "").startswith("de") else label.lower()


def case_state(found: Report) -> SafeString | str:
    """Return where a case stands: open, assigned, kept or removed, and with whom."""
    if found.status != Report.Status.OPEN:
        who = (
            gettext("%(state)s by %(name)s")
            % {"state": found.get_status_display(), "name": found.closed_by}
            if found.closed_by
            else found.get_status_display()
        )
        return format_html('<span class="tag tag--{}">{}</span>', found.status, who)
    if found.assigned_to is not None:
        return format_html(
            '<span class="tag tag--assigned">{}</span>',
            gettext("assigned to %(name)s") % {"name": found.assigned_to.username},
        )
    return format_html('<span class="tag tag--open">{}</span>', found.get_status_display().lower())


def moment(at: datetime | None) -> SafeString | str:
    """Return a time, short; the exact one is in its title."""
    if at is None:
        return "—"
    here = localtime(at)
    exact = f"{here:%Y-%m-%d %H:%M:%S %Z}"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(),
        exact,
        date_format(here, str(WHEN)),
    )


def whole(body: str) -> SafeString:
    """Return a text as it was written: its own lines, and no markup."""
    return format_html('<span class="said">{}</span>', body)
