"""The HTML pages of the chat. They can be read without JavaScript; with it, app.js takes over."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from chat import payloads, policies, services
from chat.models import APPEAL_MAX_LENGTH, Block, Room
from chat.moderation import site_bans
from chat.pages import inbox as inbox_page
from chat.pages import page_data, search_results
from chat.pages.page_data import Window
from chat.pages.rendering import refused, render
from chat.queries import appeals, messages, room_lists
from chat.queries.blocks import blocks as blocks_of
from chat.queries.room_lists import MAX_QUERY
from chat.queries.room_lists import directory as rooms_of_directory
from chat.queries.rooms import readable_room, room_by_slug, room_head
from realtime.auth import banned
from realtime.core.bounds import quotas
from realtime.core.users import User
from realtime.protocol.errors import Forbidden, HoldfastError, NotFound, RateLimited, Unavailable

P = ParamSpec("P")
PageView = Callable[Concatenate[HttpRequest, P], HttpResponse]

LAST_ROOM_SECONDS = 365 * 24 * 3600
VIEW_ALONE = "Holdfast-View"  # a header of requests by router.js
MAX_NUMBER_DIGITS = 18  # fits into a 64-bit column


def page(view: PageView[P]) -> PageView[P]:
    """Make an HTML page of a view: for signed-in users, never cached, with HTML error pages."""

    @never_cache
    @login_required
    @wraps(view)
    def wrapped(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if refusal := ban_page(request, _user(request)):
            return refusal
        try:
            return view(request, *args, **kwargs)
        except NotFound as error:
            raise Http404(error.message) from error
        except Forbidden as error:
            raise PermissionDenied(error.message) from error
        except (RateLimited, Unavailable) as error:
            return refused(request, error)

    return cast("PageView[P]", wrapped)


def ban_page(request: HttpRequest, user: User, *, error: str = "") -> HttpResponse | None:
    """Return the page with the reason and end of the user's ban, or None without a ban."""
    refusal = banned([user.pk]).get(user.pk)
    if refusal is None:
        return None
    ban = site_bans.current_ban(user.pk)
    return render(
        request,
        "chat/account/banned.html",
        {
            "reason": refusal.message,
            "ban": ban,
            "appeal": appeals.appeal_of_ban(ban) if ban else None,
            "max_length": APPEAL_MAX_LENGTH,
            "error": error,
        },
        status=403,
    )


@page
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Redirect to the last room, else to the user's first one, else to the directory."""
    mine = room_lists.my_rooms(_user(request).pk)
    slugs = [item.room.slug for item in sorted(mine, key=lambda item: item.room.is_direct)]
    last = request.COOKIES.get(settings.LAST_ROOM_COOKIE_NAME, "")
    if not slugs:
        return redirect("directory")
    return redirect("room", last if last in slugs else slugs[0])


@page
@require_GET
def room(request: HttpRequest, slug: str, number: int | None = None) -> HttpResponse:
    """Show a room: its newest messages, or those around, before or after a number."""
    user = _user(request)
    found = room_by_slug(slug)
    if found is None:
        raise policies.no_such_room()
    # Read before everything else: a change in between arrives once more as an event.
    seq = room_head(found.pk)
    found.refresh_from_db()
    membership = page_data.may_read(found, user)
    if number is not None and 0 < number < found.first_number:
        since = payloads.moment(found.kept_since)
        return render(request, "chat/no_longer_kept.html", {"kept_since": since}, status=404)
    window = _window(request, found, number)
    blocks = blocks_of(user.pk)
    values = page_data.room_view(
        user, room=found, membership=membership, seq=seq, window=window, blocks=blocks
    )
    response = _render(request, "chat/room.html", values, current=found, blocks=blocks)
    response.set_cookie(
        settings.LAST_ROOM_COOKIE_NAME,
        slug,
        max_age=LAST_ROOM_SECONDS,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


def _window(request: HttpRequest, room: Room, number: int | None) -> Window:
    if number is not None:
        around = messages.around(room.pk, number).messages
        if not any(message.number == number for message in around):
            raise NotFound("This message doesn't exist.")
        return Window(around, number)
    before, after = _number(request, "before"), _number(request, "after")
    if before is not None:
        return Window(messages.before(room.pk, before).messages[::-1])
    if after is not None:
        return Window(messages.after(room.pk, after).messages)
    return Window(messages.latest(room.pk))


@page
@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    user = _user(request)
    rooms = {
        payloads.stream(item.room.pk): page_data.title(item.room, item.companions)
        for item in room_lists.my_rooms(user.pk)
    }
    values = inbox_page.inbox_view(
        user.pk, tab=request.GET.get("tab", ""), before=_number(request, "before"), rooms=rooms
    )
    return _render(request, "chat/inbox.html", values)


@page
@require_GET
def search(request: HttpRequest) -> HttpResponse:
    user = _user(request)
    blocks = blocks_of(user.pk)
    blocked = {row.blocked_id for row in blocks}
    values = search_results.page(
        user,
        search_results.typed(request.GET),
        before_id=_number(request, "before_id"),
        blocked=blocked,
    )
    return _render(request, "chat/search.html", values, blocks=blocks, choosing=True)


@page
@require_GET
def directory(request: HttpRequest) -> HttpResponse:
    """Show the public rooms."""
    user = _user(request)
    query = request.GET.get("q", "").strip()[:MAX_QUERY]
    after = _number(request, "after")
    quotas.take("directory", user.pk, most=settings.HOLDFAST_DIRECTORY_READS)
    last = readable_room(after, user.pk).room if after is not None else None
    found, more = rooms_of_directory(user.pk, query=query, after=last)
    rooms = [
        {
            "id": item.room.pk,
            "name": item.room.name,
            "topic": item.room.topic,
            "url": item.room.get_absolute_url(),
            "members": item.room.member_count,
            "joined": item.joined,
        }
        for item in found
    ]
    more_url = f"?{urlencode({'q': query, 'after': rooms[-1]['id']})}" if more else ""
    return _render(
        request, "chat/directory.html", {"directory": rooms, "query": query, "more_url": more_url}
    )


@page
@require_http_methods(["GET", "POST"])
def create_room(request: HttpRequest) -> HttpResponse:
    """Create a room without JavaScript; with it, a dialog does the same through the API."""
    fields = {name: request.POST.get(name, "") for name in ("name", "topic", "kind")}
    if request.method == "POST":
        try:
            kind = fields["kind"] if fields["kind"] == Room.Kind.PRIVATE else Room.Kind.PUBLIC
            made = services.create_room(
                actor_id=_user(request).pk, name=fields["name"], topic=fields["topic"], kind=kind
            )
        except HoldfastError as error:
            return _render(
                request,
                "chat/create_room.html",
                {"form": fields, "error": error.message},
                status=400,
            )
        return redirect(made.room.get_absolute_url())
    return _render(request, "chat/create_room.html", {"form": fields})


def _render(
    request: HttpRequest,
    template: str,
    values: page_data.Values,
    *,
    current: Room | None = None,
    blocks: list[Block] | None = None,
    choosing: bool = False,
    status: int = 200,
) -> HttpResponse:
    """Render a page; ``choosing``: its view names the rooms of the user."""
    user = _user(request)
    if VIEW_ALONE in request.headers:
        # A script that is on a page has the rest: with a thousand rooms, most of the page.
        frame: page_data.Values = {"frame": "chat/view.html", "me": payloads.person(user)}
        if choosing:
            frame |= page_data.places(room_lists.my_rooms(user.pk))
        return render(request, template, {**frame, **values}, status=status)
    shell = page_data.shell(
        user,
        blocks_of(user.pk) if blocks is None else blocks,
        session=request.session.session_key or "",
        current=current,
        whole="all-rooms" in request.GET,
        display=getattr(request, "display", None),
    )
    return render(request, template, {"frame": "chat/app.html", **shell, **values}, status=status)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User), "expected a user after login_required"
    return request.user


def _number(request: HttpRequest, name: str) -> int | None:
    raw = request.GET.get(name, "")
    return int(raw) if raw.isascii() and raw.isdecimal() and len(raw) <= MAX_NUMBER_DIGITS else None
