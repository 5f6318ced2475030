"""What the templates of the moderators' desk are made of."""

from typing import Any

from django import template
from django.template.context import Context

from chat.admin import cells, records

register = template.Library()

WAITING = 8  # reports on the first page; the list has the rest
LATELY = 12  # log entries beside them

register.filter("person", cells.person)
register.filter("room", cells.room)
register.filter("message", cells.message)
register.filter("numbered", cells.numbered)
register.filter("details", cells.details)
register.filter("moment", cells.moment)


@register.inclusion_tag("admin/chat/_waiting.html", takes_context=True)
def waiting_reports(context: Context) -> dict[str, Any]:
    """Show the reports that have waited longest, to those who may see reports."""
    found = records.waiting(WAITING) if context["user"].has_perm("chat.view_report") else None
    return {"shown": found is not None, "reports": (found or [])[:WAITING], "more": len(found or []) > WAITING}


@register.inclusion_tag("admin/chat/_lately.html", takes_context=True)
def lately(context: Context) -> dict[str, Any]:
    """Show what moderators did last, to those who may see the log."""
    return {"entries": records.lately(LATELY) if context["user"].has_perm("chat.view_moderationlog") else []}
