"""Kinds of notification. The apps that send them register here, so that a person can choose among them; this one never names theirs."""

from dataclasses import dataclass

from django.utils.functional import Promise

Words = str | Promise


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of notification, as its app describes it to those who get it."""

    name: str
    label: Words
    help: Words
    # Whether one may keep it out of the inbox; what moderators and administrators say, one may not.
    optional: bool = True


_kinds: dict[str, Kind] = {}


def register_kind(kind: Kind) -> None:
    """Make a kind known; called from ``AppConfig.ready``. Kinds that nobody registers are always delivered."""
    _kinds[kind.name] = kind


def kinds() -> list[Kind]:
    """Return all kinds, in the order in which they were registered."""
    return list(_kinds.values())
