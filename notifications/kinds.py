"""Kinds of notification, registered by the apps that send them.

A notification stores its kind and its parameters. The kind turns them into a sentence when they
are shown, in the reader's language; static/notifications/kinds.js does the same in the browser.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from django.utils.functional import Promise
from django.utils.translation import get_language

# A text in the language of its reader.
Label = str | Promise
NoticePayload = Mapping[str, Any]  # a notification as the wire carries it (docs/protocol.md)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of notification, as its app describes it to the people who receive it."""

    name: str
    sentence: Callable[[NoticePayload], str]  # in the active language
    # The line below the sentence: text that a person wrote.
    detail: Callable[[NoticePayload], str] = lambda notice: str(notice["body"])
    icon: str = "bell"
    # In the settings. A kind without a label is not listed there and always delivered.
    label: Label = ""
    help: Label = ""
    # False: the inbox always gets it, such as decisions of moderators.
    optional: bool = True
    # The common property of notifications of this kind that are listed as one entry.
    grouped_by: Literal["place", "subject"] | None = None
    # The sentence of such an entry, from its newest notification and the total count.
    summary: Callable[[NoticePayload, int], str] | None = None


def in_language(notice: NoticePayload, texts: Mapping[str, Mapping[str, str]]) -> NoticePayload:
    """Return a notice with the title and text that its author wrote for the active language."""
    said = texts.get((get_language() or "").partition("-")[0])
    return {**notice, "title": said.get("title", ""), "body": said["body"]} if said else notice


# Kinds of this app itself.
BROADCAST: Final = "broadcast"
RECALLED: Final = "recalled"

_kinds: Final[dict[str, Kind]] = {}


def register_kind(kind: Kind) -> None:
    """Add a kind; called from ``AppConfig.ready``."""
    _kinds[kind.name] = kind


def listed_kinds() -> list[Kind]:
    """Return the kinds that people can choose, in the order of their registration."""
    return [kind for kind in _kinds.values() if kind.label]


def known_kinds() -> list[str]:
    """Return the names of all kinds, sorted."""
    return sorted(_kinds)


def kind_of(notice: NoticePayload) -> Kind:
    """Return the kind of a notification; one that nobody registered shows its title."""
    return _kinds.get(notice["kind"]) or Kind(name=notice["kind"], sentence=_title)


def sentence(notice: NoticePayload) -> str:
    """Return what a notification says, in the active language."""
    return kind_of(notice).sentence(notice)


def detail(notice: NoticePayload) -> str:
    """Return the text below the sentence: a moderator's reason, the text of a broadcast."""
    return kind_of(notice).detail(notice)


def summary(notice: NoticePayload, count: int) -> str:
    """Return the sentence of an entry of ``count`` notifications, the newest of them ``notice``."""
    kind = kind_of(notice)
    return kind.summary(notice, count) if kind.summary else kind.sentence(notice)


def _title(notice: NoticePayload) -> str:
    return str(notice["title"])
