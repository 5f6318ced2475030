"""What the templates of the moderators' desk are made of."""

from typing import Any

from django import template
from django.template.context import Context

from chat.admin import case_context, formatting, log_sentences
from chat.admin import dashboard as dashboards

register = template.Library()

LATELY = 12  # log entries beside them

# Of the acts on the page of a case.
KEYS = {"mute": "m", "ban": "b", "site-ban": "s", "sign-out": "x", "deactivate": "d"}

register.filter("person", formatting.person)
register.filter("room", formatting.room)
register.filter("message", formatting.message)
register.filter("numbered", formatting.numbered)
register.filter("moment", formatting.moment)
register.filter("case_state", formatting.case_state)
register.filter("deed", log_sentences.deed)
register.filter("ended", log_sentences.ended)
register.filter("told", log_sentences.told)
register.filter("why", log_sentences.why)
register.filter("said", case_context.body_of)
register.filter("key", lambda act: KEYS.get(act.name, ""))


@register.inclusion_tag("admin/chat/_dashboard.html", takes_context=True)
def dashboard(context: Context) -> dict[str, Any]:
    """Show what needs attention, as far as somebody may see it."""
    user = context["user"]
    return {
        **dashboards.cards(user),
        "user": user,
        "may_announce": user.has_perm("notifications.add_announcement"),
    }


@register.inclusion_tag("admin/chat/_lately.html", takes_context=True)
def lately(context: Context) -> dict[str, Any]:
    """Show what moderators did last, to those who may see the log."""
    return {
        "entries": case_context.lately(LATELY)
        if context["user"].has_perm("chat.view_moderationlog")
        else []
    }
