"""Templates of reasons. Each change is in the log, without the text."""

from typing import Final

from django.conf import settings

from chat import policies
from chat.models import REASON_MAX_LENGTH, TEMPLATE_NAME_MAX_LENGTH, ModerationLog, ReasonTemplate
from chat.services.persistence import log
from chat.services.rights import check_site_moderator
from realtime.core.heads import changing
from realtime.protocol.errors import BadRequest, NotFound, TooMany

MAX_TEMPLATES: Final = 100  # of one language; a moderator chooses from a list


def save_template(
    *, actor_id: int, language: str, name: str, text: str, template_id: int | None = None
) -> ReasonTemplate:
    """Make a template, or change the one with ``template_id``."""
    check_site_moderator(actor_id)
    name = policies.clean(name, name="name", limit=TEMPLATE_NAME_MAX_LENGTH, required=True)
    text = policies.clean(text, name="text", limit=REASON_MAX_LENGTH, required=True)
    if language not in dict(settings.LANGUAGES):
        raise BadRequest(
            "language: expected one of {values}", values=", ".join(dict(settings.LANGUAGES))
        )
    with changing():
        others = ReasonTemplate.objects.filter(language=language).exclude(pk=template_id or 0)
        if others.filter(name=name).exists():
            raise BadRequest("name: there is a template “{name}” already", name=name)
        if len(others.values_list("pk")[:MAX_TEMPLATES]) == MAX_TEMPLATES:
            raise TooMany("There are {most} templates, the most allowed.", most=MAX_TEMPLATES)
        row = ReasonTemplate.objects.filter(pk=template_id).first() if template_id else None
        if template_id and row is None:
            raise NotFound("There is no such template.")
        what = "changed" if row else "added"
        row = row or ReasonTemplate()
        row.language, row.name, row.text, row.changed_by_id = language, name, text, actor_id
        row.save()
        _log(actor_id, row, what)
    return row


def delete_template(*, actor_id: int, template_id: int) -> None:
    check_site_moderator(actor_id)
    with changing():
        row = ReasonTemplate.objects.filter(pk=template_id).first()
        if row is None:
            raise NotFound("There is no such template.")
        _log(actor_id, row, "deleted")
        row.delete()


def _log(actor_id: int, row: ReasonTemplate, what: str) -> None:
    details = {"name": row.name, "language": row.language, "what": what}
    log(ModerationLog.Action.TEMPLATE, actor_id=actor_id, reason="", details=details)
