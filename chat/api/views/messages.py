"""The JSON API: messages and search."""

from django.http import JsonResponse

from chat import payloads, policies
from chat.api.parameters import number
from chat.pages import search_results
from chat.queries import messages as message_queries
from chat.queries import rooms as room_queries
from chat.queries.messages import History
from chat.queries.search import index
from chat.queries.search.query import check_words, parse
from realtime.auth import ApiRequest, api
from realtime.protocol.errors import BadRequest


@api("GET")
def messages(request: ApiRequest, room_id: int) -> JsonResponse:
    """Return messages before a number (newest first), after or around one (oldest first).

    Without a number: the newest.
    """
    limit = min(number(request, "limit") or message_queries.LATEST, message_queries.MAX_MESSAGES)
    before, after, around = (number(request, name) for name in ("before", "after", "around"))
    if sum(number is not None for number in (before, after, around)) > 1:
        raise BadRequest("before, after, around: expected one of them")
    room_queries.readable_room(room_id, request.user.pk)
    if after is not None:
        found = message_queries.after(room_id, after, limit=limit)
    elif around is not None:
        found = message_queries.around(room_id, around, limit=limit)
    else:
        found = message_queries.before(
            room_id, policies.MAX_ID if before is None else before, limit=limit
        )
    return _history(room_id, found)


@api("GET")
def message(request: ApiRequest, message_id: int) -> JsonResponse:
    """Return one message, such as one that is replied to."""
    return JsonResponse(
        {"message": payloads.message(message_queries.readable_message(message_id, request.user.pk))}
    )


@api("GET")
def search(request: ApiRequest) -> JsonResponse:
    """Return messages that match ``q``, newest first. ``before_id`` continues a page."""
    limit = min(number(request, "limit") or index.LIMIT, index.MAX_LIMIT)
    typed = request.GET.get("q", "")
    check_words(typed)
    query = parse(typed)
    return JsonResponse(
        search_results.answer(
            request.user, query, before_id=number(request, "before_id"), limit=limit
        )
    )


def _history(room_id: int, found: History) -> JsonResponse:
    quoted = message_queries.quoted(room_id, found.messages)
    data = {
        "messages": [*map(payloads.message, found.messages)],
        "quoted": [*map(payloads.message, quoted)],
        "more": found.more,
    }
    return JsonResponse(data)
