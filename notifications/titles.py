"""Titles of notifications in the reader's language.

A title is stored once, in English, and so the wire carries it: who reads it, and in which language, is known when it is shown. It is one of
few sentences with names in it. Whoever shows it finds the sentence by the kind and says it again: this module for pages of the server,
static/notifications/titles.js for the scripts, with the same sentences (a test compares). A title that is none of them stays as it is.
"""

import re
from functools import cache
from typing import Final

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from realtime.site.time_zones import spoken_again

SENTENCES: Final = {
    "mention": [_("%(name)s mentioned you in %(room)s"), _("%(name)s mentioned you")],
    "reply": [_("%(name)s replied to you in %(room)s"), _("%(name)s replied to you")],
    "direct": [_("%(name)s wrote to you")],
    "message": [_("%(name)s wrote in %(room)s")],
    "reaction": [
        _("%(names)s and %(count)s others reacted to your message in %(room)s"),
        _("%(names)s and 1 other reacted to your message in %(room)s"),
        _("%(names)s and %(last)s reacted to your message in %(room)s"),
        _("%(names)s reacted to your message in %(room)s"),
        _("%(names)s and %(last)s reacted to your message"),
        _("%(names)s reacted to your message"),
    ],
    "invitation": [_("%(name)s added you to %(room)s")],
    "moderation": [
        _("%(name)s made you the owner of %(room)s"),
        _("You are now an owner of %(room)s"),
        _("You are now a moderator of %(room)s"),
        _("You are now a member of %(room)s"),
        _("%(room)s: a moderator muted you"),
        _("%(room)s: a moderator lets you speak again"),
        _("%(room)s: a moderator removed you from the room"),
        _("%(room)s: a moderator banned you from the room"),
        _("%(room)s: a moderator lifted your ban; you may come back"),
        _("A moderator removed your message in %(room)s"),
        _("A moderator removed your message"),
        _("A moderator restored your message in %(room)s"),
        _("A moderator restored your message"),
        _("A moderator looked at your message and shows it again in %(room)s"),
        _("A moderator looked at your message and shows it again"),
        _("%(room)s: a moderator muted you until %(time)s"),
        _("%(room)s: a moderator banned you from the room until %(time)s"),
        _("A moderator muted you in all rooms until %(time)s"),
        _("A moderator lets you speak again, in all rooms"),
        _("A moderator removed %(count)s of your messages"),
        _("A moderator restored %(count)s of your messages"),
        _("You were banned from this site"),
        _("Your ban from this site was lifted"),
        _("A moderator signed you out on all devices"),
        _("A moderator deactivated your account"),
        _("A moderator activated your account again"),
    ],
    "report": [
        _("Thank you for your report; the message was removed."),
        _("Thank you for your report; the message stays."),
    ],
}


def translated(kind: str, title: str) -> str:
    """Return the title of a notification in the active language."""
    for sentence in SENTENCES.get(kind, ()):
        if found := _pattern(sentence).fullmatch(title):
            places = found.groupdict()
            return gettext(sentence) % (
                {**places, "time": spoken_again(places["time"])} if "time" in places else places
            )
    return title


def renamed(kind: str, title: str, name: str) -> str:
    """Return the title of a notification, as it is stored, with another name for who did it."""
    for sentence in SENTENCES.get(kind, ()):
        if "%(name)s" in sentence and (found := _pattern(sentence).fullmatch(title)):
            return sentence % {**found.groupdict(), "name": name}
    return title


@cache
def _pattern(sentence: str) -> re.Pattern[str]:
    places = re.sub(
        r"%\\\((\w+)\\\)s|%\((\w+)\)s",
        lambda found: _place(found[1] or found[2]),
        re.escape(sentence),
    )
    return re.compile(places)


def _place(name: str) -> str:
    return rf"(?P<{name}>{r'[0-9]+' if name == 'count' else '.+'})"
