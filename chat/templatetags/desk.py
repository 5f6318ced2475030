"""What the templates of the moderators' desk are made of."""

from typing import Any

from django import template
from django.template.context import Context

from chat.admin import cells, deeds, records
from chat.admin import dashboard as dashboards

register = template.Library()

LATELY = 12  # log entries beside them

KEYS = {"mute": "m", "ban": "b", "site-ban": "s", "sign-out": "x", "deactivate": "d"}  # of the acts on the page of a case

register.filter("person", cells.person)
register.filter("room", cells.room)
register.filter("message", cells.message)
register.filter("numbered", cells.numbered)
register.filter("moment", cells.moment)
register.filter("case_state", cells.case_state)
register.filter("deed", deeds.deed)
register.filter("ended", deeds.ended)
register.filter("told", deeds.told)
register.filter("why", deeds.why)
register.filter("said", records.body_of)
register.filter("key", lambda act: KEYS.get(act.name, ""))


@register.inclusion_tag("admin/chat/_dashboard.html", takes_context=True)
def dashboard(context: Context) -> dict[str, Any]:
    """Show what needs attention, as far as somebody may see it."""
    user = context["user"]
    return {**dashboards.cards(user), "user": user, "may_announce": user.has_perm("notifications.add_announcement")}


@register.inclusion_tag("admin/chat/_lately.html", takes_context=True)
def lately(context: Context) -> dict[str, Any]:
    """Show what moderators did last, to those who may see the log."""
    return {"entries": records.lately(LATELY) if context["user"].has_perm("chat.view_moderationlog") else []}
