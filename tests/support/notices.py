"""The texts of notifications, as a reader sees them."""

from collections.abc import Iterable

from django.contrib.auth.models import User

from notifications import payloads, queries
from notifications.kinds import sentence
from notifications.models import Notification


def sentence_of(row: Notification) -> str:
    """Return the sentence of one notification, in the active language."""
    return sentence(payloads.notification(row, queries.people_in([row])))


def sentences(user: User) -> list[str]:
    """Return what a user's inbox says, oldest first; without what was taken back."""
    return sentences_of(Notification.objects.filter(user=user, count__gt=0).order_by("pk"))


def sentences_of(rows: Iterable[Notification]) -> list[str]:
    """Return the sentences of notifications, in the active language."""
    return [sentence_of(row) for row in rows]
