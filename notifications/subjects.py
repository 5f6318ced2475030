"""The texts that notifications are about, such as messages.

A notification never holds such a text, only the name of its subject (``room.42.880``). The app that
owns the subject registers how its present text is read, so an edited text is shown as it is now,
and a deleted or hidden one not at all.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from notifications.kinds import NoticePayload
from realtime.protocol.user_ids import UserId

MAX_SUBJECTS: Final = 50  # in one request: a page of an inbox

# (user id, subjects) → the texts that this user may read now. A constant number of queries.
SubjectReader = Callable[[int, Collection[str]], Mapping[str, str]]

_readers: Final[dict[str, SubjectReader]] = {}


def register_subjects(prefix: str, reader: SubjectReader) -> None:
    """Add the reader of subjects that begin with ``prefix.``; called in ``AppConfig.ready``."""
    _readers[prefix] = reader


def excerpts(user_id: UserId, subjects: Iterable[str | None]) -> dict[str, str]:
    """Return the present texts of subjects, as far as this user may read them."""
    found: dict[str, str] = {}
    wanted = {subject for subject in subjects if subject}
    for prefix, reader in _readers.items():
        own = {subject for subject in wanted if subject.startswith(f"{prefix}.")}
        if own:
            found |= reader(user_id, own)
    return found


def excerpts_of(user_id: UserId, notices: Iterable[NoticePayload]) -> dict[str, str]:
    """Return the texts that these notifications are about, by subject."""
    return excerpts(user_id, (notice["subject"] for notice in notices))
