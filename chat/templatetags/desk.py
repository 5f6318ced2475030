"""What the templates of the moderators' desk are made of."""

from typing import Any

from django import template
from django.template.context import Context

from chat.admin import cells, deeds, records

register = template.Library()

WAITING = 8  # reports on the first page; the list has the rest
LATELY = 12  # log entries beside them

KEYS = {"mute": "m", "ban": "b", "site-ban": "s"}  # of the acts on the page of a case

register.filter("person", cells.person)
register.filter("room", cells.room)
register.filter("message", cells.message)
register.filter("numbered", cells.numbered)
register.filter("details", cells.details)
register.filter("moment", cells.moment)
register.filter("case_state", cells.case_state)
register.filter("deed", deeds.deed)
register.filter("told", deeds.told)
register.filter("said", records.body_of)
register.filter("key", lambda act: KEYS.get(act.name, ""))


@register.inclusion_tag("admin/chat/_waiting.html", takes_context=True)
def waiting_reports(context: Context) -> dict[str, Any]:
    """Show the reports that have waited longest, to those who may see reports."""
    found = records.waiting(WAITING) if context["user"].has_perm("chat.view_report") else None
    return {"shown": found is not None, "reports": (found or [])[:WAITING], "more": len(found or []) > WAITING}


@register.inclusion_tag("admin/chat/_lately.html", takes_context=True)
def lately(context: Context) -> dict[str, Any]:
    """Show what moderators did last, to those who may see the log."""
    return {"entries": records.lately(LATELY) if context["user"].has_perm("chat.view_moderationlog") else []}
