"""The query parameters of requests."""

from django.http import HttpRequest

from chat import policies
from chat.queries import members as member_queries
from realtime.protocol.errors import BadRequest


def number(request: HttpRequest, name: str) -> int | None:
    """Return a numeric query parameter, or None if it is missing."""
    raw = request.GET.get(name)
    if raw is None:
        return None
    # int() also accepts signs, spaces, underscores and digits of every script, and raises
    # ValueError for more than 4300 digits.
    if not (
        raw.isascii()
        and raw.isdecimal()
        and len(raw) <= len(str(policies.MAX_ID))
        and int(raw) <= policies.MAX_ID
    ):
        raise BadRequest(
            "{name}: expected a whole number from 0 to {limit}", name=name, limit=policies.MAX_ID
        )
    return int(raw)


def ids(request: HttpRequest) -> list[int]:
    """Return the ids of ``?ids=7,9``."""
    raw = [part for part in request.GET.get("ids", "").split(",") if part]
    longest = len(str(policies.MAX_ID)) - 1
    if len(raw) > member_queries.MAX_MEMBERS or not all(
        part.isascii() and part.isdecimal() and len(part) <= longest for part in raw
    ):
        raise BadRequest(
            "ids: expected at most {limit} ids, separated by commas",
            limit=member_queries.MAX_MEMBERS,
        )
    return [*map(int, raw)]
