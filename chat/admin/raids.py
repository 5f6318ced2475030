"""Raid mode in the admin: the switch, what it does, and the banner above every page."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from chat.admin import formatting
from chat.admin.actions import AdminAction
from chat.admin.forms import SLOW_MODES, OptionalReasonForm
from chat.admin.log_sentences import duration
from chat.admin.people import BAN_FROM_SITE, VIEW
from chat.admin.sign_up import OneRow
from chat.models import RAID_CHOICES, REASON_MAX_LENGTH, RaidMode
from chat.moderation import raid_mode
from chat.services.moderation import raids


def _choice(name: str) -> forms.BooleanField:
    return forms.BooleanField(label=capfirst(RAID_CHOICES[name]), required=False)


class RaidForm(OptionalReasonForm):
    hours = forms.IntegerField(
        label=_("Hours"),
        min_value=1,
        max_value=raids.MAX_HOURS,
        initial=raids.DEFAULT_HOURS,
        help_text=_("From now on. It ends by itself after that."),
    )
    approve_sign_ups = _choice("approve_sign_ups")
    refuse_links = _choice("refuse_links")
    refuse_contacts = _choice("refuse_contacts")
    refuse_room_mentions = _choice("refuse_room_mentions")
    slow_mode = forms.TypedChoiceField(
        label=_("Slow mode in all rooms"), choices=SLOW_MODES, coerce=int
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_MAX_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Visible to other moderators."),
    )
    field_order = ["hours", *RAID_CHOICES, "slow_mode", "reason"]


def _is_on(row: RaidMode) -> bool:
    return row.until is not None and row.until > timezone.now()


def _initial(row: RaidMode) -> dict[str, Any]:
    return {name: getattr(row, name) for name in (*RAID_CHOICES, "slow_mode")}


_EXPLANATION = _(
    "It is in effect on all nodes within a second. A refusal says why. Site moderators are exempt."
)
ON = AdminAction(
    name="on",
    label=_("Switch on raid mode"),
    explanation=_EXPLANATION,
    done=ngettext_lazy("Raid mode is on.", "Raid mode is on.", "count"),
    service=raids.switch_on,
    permission=BAN_FROM_SITE,
    form=RaidForm,
    initial=_initial,
    blocker=lambda row: _("Already on") if _is_on(row) else "",
    undo="off",
    is_single=True,
)
CHANGE = AdminAction(
    name="change",
    label=_("Change raid mode"),
    explanation=_EXPLANATION,
    done=ngettext_lazy("Raid mode changed.", "Raid mode changed.", "count"),
    service=raids.switch_on,
    permission=BAN_FROM_SITE,
    form=RaidForm,
    initial=_initial,
    blocker=lambda row: "" if _is_on(row) else _("Not on"),
    is_single=True,
)
OFF = AdminAction(
    name="off",
    label=_("Switch off raid mode"),
    explanation=_("Everything is as before, on all nodes within a second."),
    done=ngettext_lazy("Raid mode is off.", "Raid mode is off.", "count"),
    service=raids.switch_off,
    permission=BAN_FROM_SITE,
    form=OptionalReasonForm,
    blocker=lambda row: "" if _is_on(row) else _("Not on"),
    is_single=True,
)


@admin.register(RaidMode)
class RaidModeAdmin(OneRow):
    moderator_actions = (ON, CHANGE, OFF)
    fields = (
        "state",
        *("approve_sign_ups", "refuse_links", "refuse_contacts", "refuse_room_mentions"),
        *("slowness", "changed_by"),
    )
    readonly_fields = fields

    def summary(self, row: RaidMode) -> SafeString:
        return format_html("{}", self.state(row))

    @admin.display(description=_("raid mode"))
    def state(self, row: RaidMode) -> str | SafeString:
        if not _is_on(row):
            return gettext("Off")
        return format_html(gettext("On until {}"), formatting.moment(row.until))

    @admin.display(description=_("slow mode in all rooms"))
    def slowness(self, row: RaidMode) -> str:
        return duration(row.slow_mode)


def banner(request: HttpRequest) -> dict[str, Any]:
    """Return what the banner says: that raid mode is on, or that there are signs of a raid."""
    if not request.user.has_perm(VIEW):
        return {}
    raid = raid_mode.current()
    refused = 0 if raid.is_on else raids.signs()
    may_switch = request.user.has_perm(BAN_FROM_SITE)
    name = CHANGE.name if raid.is_on else ON.name
    query = urlencode({"ids": 1, "back": request.get_full_path()})
    page = f"{reverse('admin:chat_raidmode_action', args=[name])}?{query}"
    return {"raid": raid, "refused": refused, "url": page if may_switch else ""}
