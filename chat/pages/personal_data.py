"""The download of a user's own data, from the account page."""

from functools import partial

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from chat.moderation.own_data import own_data
from chat.pages.downloads import archive_response
from chat.services.people.exports import check_own_export, log_export
from realtime.auth.confirmation import confirmed
from realtime.core.users import User
from realtime.protocol.errors import TooMany


@never_cache
@login_required
@require_POST
@confirmed
def download(request: HttpRequest) -> HttpResponseBase:
    """Send the user everything that the site has about them."""
    user = request.user
    assert isinstance(user, User)
    try:
        check_own_export(user.pk)
    except TooMany as error:
        messages.error(request, error.message)
        return redirect("account")
    log = partial(_log, user.pk)
    return archive_response(own_data(user), f"data-of-{user.pk}", log=log)


def _log(user_id: int, manifest: str) -> None:
    log_export(actor_id=user_id, subject_id=user_id, reason="", manifest=manifest)
