"""Filters and tags for the templates of ``chat.admin``."""

from typing import Any

from django import template
from django.template.context import Context

from chat.admin import case_context, formatting, log_sentences
from chat.admin import dashboard as dashboards

register = template.Library()

RECENT_ENTRIES = 12  # of the log, beside the dashboard

# Keyboard shortcuts of the actions on the page of a case.
KEYS = {"mute": "m", "ban": "b", "site-ban": "s", "sign-out": "x", "deactivate": "d"}

register.filter("person", formatting.person)
register.filter("room", formatting.room)
register.filter("numbered", formatting.numbered)
register.filter("moment", formatting.moment)
register.filter("case_state", formatting.case_state)
register.filter("log_sentence", log_sentences.sentence)
register.filter("plain_log_sentence", log_sentences.plain)
register.filter("body", case_context.body_of)
register.filter("key", lambda action: KEYS.get(action.name, ""))


@register.inclusion_tag("admin/chat/_dashboard.html", takes_context=True)
def dashboard(context: Context) -> dict[str, Any]:
    user = context["user"]
    may_announce = user.has_perm("notifications.add_announcement")
    return {**dashboards.cards(user), "user": user, "may_announce": may_announce}


@register.inclusion_tag("admin/chat/_recent_activity.html", takes_context=True)
def recent_activity(context: Context) -> dict[str, Any]:
    may_view = context["user"].has_perm("chat.view_moderationlog")
    return {"entries": case_context.latest_entries(RECENT_ENTRIES) if may_view else []}
