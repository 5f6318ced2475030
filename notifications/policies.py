"""Who may read which stream, and what may be asked for or sent."""

from collections.abc import Sequence

from realtime.protocol.errors import NotFound
from realtime.streams import Reader, Refusals

MAX_IDS = 500  # notifications named in one command: as many as ten pages of an inbox


def may_read_inbox(reader: Reader, idents: Sequence[str]) -> Refusals:
    """Refuse everybody but the owner, as if the inbox did not exist."""
    return {ident: NotFound("There is no such stream.") for ident in idents if ident != str(reader.user_id)}


def may_read_announcements(_reader: Reader, _idents: Sequence[str]) -> Refusals:
    """Refuse nobody who is signed in."""
    return {}
