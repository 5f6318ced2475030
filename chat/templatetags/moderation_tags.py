"""Filters and tags for the templates of ``chat.admin``."""

from typing import Any

from django import template
from django.template.context import Context

from chat.admin import dashboard as dashboards
from chat.admin import formatting, log_sentences, raids
from chat.admin.cases import case_context, case_steps

register = template.Library()

RECENT_ENTRIES = 12  # of the log, beside the dashboard

# Keyboard shortcuts of the actions on the page of a case.
KEYS = {
    "mute": "m",
    "ban": "b",
    "site-mute": "t",
    "site-ban": "s",
    "warn": "w",
    "note": "i",
    "sign-out": "x",
    "deactivate": "d",
    "evidence": "v",
}

register.filter("person", formatting.person)
register.filter("room", formatting.room)
register.filter("numbered", formatting.numbered)
register.filter("moment", formatting.moment)
register.filter("case_state", formatting.case_state)
register.filter("log_sentence", log_sentences.sentence)
register.filter("plain_log_sentence", log_sentences.plain)
register.filter("in_record", lambda n: formatting.at_most(n, case_context.MAX_RECORD))
register.filter("open_cases", lambda n: formatting.at_most(n, case_context.MAX_COUNTED))
register.filter("sharing", lambda hint: f"{hint.accounts}{'+' if hint.is_cut else ''}")
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


@register.inclusion_tag("admin/chat/_raid_banner.html", takes_context=True)
def raid_banner(context: Context) -> dict[str, Any]:
    return raids.banner(context["request"])


@register.inclusion_tag("admin/chat/_undo.html", takes_context=True)
def undo_bar(context: Context) -> dict[str, Any]:
    request = context["request"]
    found = case_steps.last_decision(request)
    return {**found, "filters": request.GET.get(case_steps.FILTERS, ""), "request": request}
