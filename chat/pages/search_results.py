"""The results of a search, as values for the API and for the page."""

from collections.abc import Collection
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from chat import payloads
from chat.models import Message, Room
from chat.pages.page_data import Values, title
from chat.queries import members
from chat.queries.search import index, places
from chat.queries.search.excerpts import excerpt
from chat.queries.search.query import (
    AFTER,
    BEFORE,
    FROM,
    HAS,
    IN,
    Operator,
    Query,
    check_words,
    joined,
    parse,
)
from realtime.core.users import User
from realtime.protocol.errors import BadRequest

ADDRESS: Final = "/search/"
ICONS: Final = {FROM: "circle-user", IN: "hash", BEFORE: "calendar", AFTER: "calendar", HAS: "link"}


def typed(fields: QueryDict) -> str:
    """Return the fields of the form as one query: filters become operators after the words."""
    return joined(
        fields.get("q", ""),
        [(name, fields.get(name, "")) for name in (IN, FROM, AFTER, BEFORE, HAS)],
    )


def answer(user: User, query: Query, *, before_id: int | None, limit: int) -> Values:
    """Return the response of the API, newest first. Each has a room, an address and an excerpt."""
    if not query:
        raise BadRequest("q: expected words or a filter")
    found = index.find(user.pk, query, before_id=before_id, limit=limit)
    return {"results": _hits(found.messages, query, user), "more": found.more}


def page(user: User, typed: str, *, before_id: int | None, blocked: Collection[int] = ()) -> Values:
    """Return the values of the page: the results with those of ``blocked`` folded, or an error."""
    values: Values = {
        "query": typed,
        "address": address(typed),
        "asked": True,
        "hits": [],
        "chips": [],
        "error": "",
        "older_url": "",
    }
    try:
        check_words(typed)
        query = parse(typed)
        values |= {
            "asked": bool(query),
            "chips": _chips(user, query),
            "words": " ".join(map(str, query.terms)),
        }
        if query:
            found = index.find(user.pk, query, before_id=before_id)
            values["hits"] = [
                hit | {"folded": hit["message"]["author"]["id"] in blocked}
                for hit in _hits(found.messages, query, user)
            ]
            if found.more and found.messages:
                values["older_url"] = address(typed, before_id=found.messages[-1].pk)
    except BadRequest as error:
        values["error"] = error.message
    return values


def address(q: str, *, before_id: int | None = None) -> str:
    fields: dict[str, Any] = {"q": q} | ({"before_id": before_id} if before_id else {})
    return f"{ADDRESS}?{urlencode(fields)}"


def _hits(messages: list[Message], query: Query, user: User) -> list[Values]:
    rooms = {message.room_id: message.room for message in messages}
    companions = members.companions(rooms.values(), user.pk)
    titles = {room_id: title(room, companions.get(room_id, [])) for room_id, room in rooms.items()}
    return [
        {
            "message": payloads.message(message),
            "room": _room(message.room, titles[message.room_id]),
            "url": f"{message.room.get_absolute_url()}{message.number}/",
            "excerpt": [
                part._asdict() for part in excerpt(message.body, message.html, query.terms)
            ],
        }
        for message in messages
    ]


def _room(room: Room, title: str) -> Values:
    return payloads.room(room) | {"is_group": room.is_group, "title": title}


def _chips(user: User, query: Query) -> list[Values]:
    """Return the labels of the filters, each with the address of the search without it."""
    people, rooms = places.people(user.pk, query), places.rooms(user.pk, query)
    companions = members.companions(rooms.values(), user.pk)
    return [
        {
            "icon": ICONS[each.name],
            "words": _label(each, people, rooms, companions),
            "url": address(query.without(each)),
        }
        for each in query.filters
    ]


def _label(
    each: Operator,
    people: dict[str, User],
    rooms: dict[str, Room],
    companions: dict[int, list[User]],
) -> str:
    if each.name == FROM:
        return _("From {name}").format(name=payloads.person(people[each.value])["name"])
    if each.name == IN:
        room = rooms[each.value]
        return _("In {name}").format(name=title(room, companions.get(room.pk, [])))
    if each.name == HAS:
        return _("Has a link")
    day = date_format(date.fromisoformat(each.value), "j F Y")
    return (_("Before {day}") if each.name == BEFORE else _("On or after {day}")).format(day=day)
