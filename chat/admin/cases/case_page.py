"""The context of the page of a case: the reported message, its reports, the author's record."""

from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext

from chat.admin.cases import case_context
from chat.models import (
    Appeal,
    Case,
    HeldPost,
    Membership,
    Message,
    ModerationLog,
    Person,
    PersonNote,
    RemovedText,
    Report,
    SiteBan,
    SiteMute,
)
from chat.moderation import site_bans, traces
from chat.queries import queue
from chat.queries.moderation.templates import reasons_for

MAX_SURROUNDINGS = 25  # messages on each side of the reported one


def of_case(case: Case, *, is_expanded: bool) -> dict[str, Any]:
    """Return a case: what is reported, its reports, and the record of the person concerned."""
    found = case_context.of_person(case.author_id)
    banned = Exists(SiteBan.objects.filter(site_bans.in_effect(), user=OuterRef("pk")))
    memberships = Membership.objects.filter(room=case.room_id, user=case.author_id)
    limit = MAX_SURROUNDINGS if is_expanded else case_context.SURROUNDINGS
    return {
        **found,
        **(_of_held(case, limit) if case.kind == Case.Kind.HELD else _of_message(case, limit)),
        **_of_appeal(case),
        **case_context.shown("reporters", list(_reports(case)[: case_context.MAX_ROWS + 1])),
        "author": Person.objects.annotate(is_banned=banned).get(pk=case.author_id),
        "membership": memberships.select_related("room", "user").first(),
        "cases": [row for row in found["cases"] if row.pk != case.pk],
        "totals": case_context.totals(case.author_id),
        "person_notes": person_notes(case.author_id),
        "hints": traces.hints(case.author_id),
        "templates": reasons_for(case.author_id),
    }


def title(case: Case) -> str:
    kinds = {
        Case.Kind.MESSAGE: gettext("Report: %(category)s"),
        Case.Kind.PERSON: gettext("Report of a person: %(category)s"),
        Case.Kind.ROOM: gettext("Report of a room: %(category)s"),
        Case.Kind.APPEAL: gettext("Appeal"),
        Case.Kind.HELD: gettext("Held message"),
    }
    return kinds[Case.Kind(case.kind)] % {"category": case.get_category_display()}


def waiting(user_id: int, **of: str) -> int:
    """Return the number of open cases that the moderator may see, at most ``MAX_COUNTED``."""
    rows = queue.open_cases(user_id).filter(**of)
    return len(rows.values_list("pk")[: case_context.MAX_COUNTED])


def _of_held(case: Case, limit: int) -> dict[str, Any]:
    """Return a held post with the messages before and after its place in the room."""
    post = HeldPost.objects.filter(pk=case.pk).first()
    if post is None or post.after_number is None:
        return {"held_post": post}
    last = post.after_number
    before, after = case_context.around(post.room_id, before=last + 1, after=last, limit=limit)
    original = Message.objects.filter(pk=post.reply_to_id or 0, room=post.room_id)
    return {
        "held_post": post,
        "before": before,
        "after": after,
        "replied_to": original.select_related("author").first(),
    }


def _of_message(case: Case, limit: int) -> dict[str, Any]:
    message = Message.objects.filter(pk=case.message_id or 0).select_related(
        "room", "author", "held_text"
    )
    shown = message.first()
    if shown is None:
        return {"message": None, "before": [], "after": [], "removed": None, "now": ""}
    number = shown.number
    before, after = case_context.around(shown.room_id, before=number, after=number, limit=limit)
    removed = RemovedText.objects.filter(pk=shown.pk).select_related("removed_by").first()
    return {
        "message": shown,
        "before": before,
        "after": after,
        "removed": removed,
        "now": "" if shown.is_deleted else case_context.body_of(shown),
        "hidden_after": _hidden_after(shown),
        "revisions": list(case.revisions.select_related("by").order_by("pk")),
    }


def _hidden_after(message: Message) -> int:
    """Return after how many reports a message was hidden, if no moderator did it."""
    if not message.is_hidden:
        return 0
    rows = ModerationLog.objects.filter(message=message.pk, action=ModerationLog.Action.HIDE)
    details = rows.order_by("-pk").values_list("details", flat=True).first() or {}
    return int(details.get("reports", 0))


def person_notes(user_id: int) -> list[PersonNote]:
    rows = PersonNote.objects.filter(subject=user_id).select_related("author")
    return list(rows.order_by("-pk")[: case_context.MAX_ROWS])


def _of_appeal(case: Case) -> dict[str, Any]:
    """Return an appeal with the decision and the text that it is about."""
    rows = Appeal.objects.filter(pk=case.pk).select_related("ban", "decided_by", "held")
    appeal = rows.first() if case.kind == Case.Kind.APPEAL else None
    if appeal is None or appeal.ban_id is not None:
        return {"appeal": appeal}
    found: dict[str, str | None]
    if appeal.held is not None:
        found = {"appealed_text": appeal.held.body, "decision_reason": appeal.held.reason}
    elif appeal.muted_id is not None:
        found = {"decision_reason": _reason_of_mute(case, appeal)}
    else:
        found = _of_removal(appeal)
    return {"appeal": appeal, **found}


def _reason_of_mute(case: Case, appeal: Appeal) -> str | None:
    if case.room_id is None:
        mute = SiteMute.objects.filter(pk=appeal.muted_id, created_at=appeal.decided_at)
        return mute.values_list("reason", flat=True).first()
    entries = ModerationLog.objects.filter(
        subject=appeal.muted_id, room=case.room_id, created_at=appeal.decided_at
    )
    return entries.values_list("reason", flat=True).first()


def _of_removal(appeal: Appeal) -> dict[str, str | None]:
    removed = RemovedText.objects.filter(pk=appeal.message_id or 0).first()
    message = Message.objects.filter(pk=appeal.message_id or 0).first()
    actions = (ModerationLog.Action.DELETE, ModerationLog.Action.RESOLVE)
    entries = ModerationLog.objects.filter(message=appeal.message_id, action__in=actions)
    return {
        "appealed_text": removed.body if removed else message.body if message else "",
        "decision_reason": entries.order_by("-pk").values_list("reason", flat=True).first(),
    }


def _reports(case: Case) -> "QuerySet[Any]":
    """Return the reports of a case, each with the earlier abusive ones of its reporter."""
    earlier = Report.objects.filter(reporter=OuterRef("reporter"), is_abusive=True)
    number = earlier.order_by().values("reporter").annotate(number=Count("pk")).values("number")
    rows = Report.objects.filter(case=case).annotate(abusive_before=Subquery(number))
    return rows.select_related("reporter", "closed_by").order_by("pk")
