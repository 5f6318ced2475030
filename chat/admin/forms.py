"""The fields of confirmation pages."""

from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from chat.models import (
    NAME_MAX_LENGTH,
    PERSON_NOTE_MAX_LENGTH,
    REASON_MAX_LENGTH,
    SLUG_MAX_LENGTH,
    TOPIC_MAX_LENGTH,
    Role,
)
from chat.queries.rooms import room_by_slug

MINUTE, HOUR, DAY = 60, 3600, 86_400  # seconds
MUTES: Final = [
    (10 * MINUTE, _("10 minutes")),
    (HOUR, _("1 hour")),
    (6 * HOUR, _("6 hours")),
    (DAY, _("1 day")),
    (7 * DAY, _("1 week")),
    (30 * DAY, _("30 days")),
    (365 * DAY, _("1 year")),
]
BANS: Final = [("", _("Permanently")), *MUTES]
SLOW_MODES: Final = [
    (0, _("Off")),
    (5, _("5 seconds")),
    (10, _("10 seconds")),
    (30, _("30 seconds")),
    (MINUTE, _("1 minute")),
    (5 * MINUTE, _("5 minutes")),
    (15 * MINUTE, _("15 minutes")),
    (HOUR, _("1 hour")),
    (6 * HOUR, _("6 hours")),
]
# A value that was set by other means is not lost: it is only changed when another one is chosen.
RETENTIONS: Final = [
    ("", _("As the site")),
    (0, _("Forever")),
    (30, _("30 days")),
    (90, _("90 days")),
    (180, _("180 days")),
    (365, _("1 year")),
    (2 * 365, _("2 years")),
    (5 * 365, _("5 years")),
    (10 * 365, _("10 years")),
]


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_MAX_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Visible to the person concerned and to other moderators."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        next(iter(self.fields.values())).widget.attrs["autofocus"] = True


class OptionalReasonForm(ReasonForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = False


class NoteForm(forms.Form):
    reason = forms.CharField(
        label=_("Note"),
        max_length=PERSON_NOTE_MAX_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True}),
    )


class MuteForm(ReasonForm):
    seconds = forms.TypedChoiceField(label=_("Duration"), choices=MUTES, coerce=int, initial=HOUR)
    field_order = ["seconds", "reason"]


class BanForm(ReasonForm):
    seconds = forms.TypedChoiceField(
        label=_("Duration"), choices=BANS, coerce=int, empty_value=None, required=False
    )
    field_order = ["seconds", "reason"]


class SlowModeForm(OptionalReasonForm):
    field_order = ["slow_mode", "reason"]
    slow_mode = forms.TypedChoiceField(
        label=_("Time between messages"), choices=SLOW_MODES, coerce=int
    )


class RetentionForm(OptionalReasonForm):
    field_order = ["retention_days", "reason"]
    retention_days = forms.TypedChoiceField(
        label=_("Keep messages"), choices=RETENTIONS, coerce=int, empty_value=None, required=False
    )


class RoomField(forms.CharField):
    """A room by its slug; ``clean`` returns its id, or None for an empty optional field.

    Direct conversations are not found: moderators do not learn that they exist.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs = {"label": _("Room"), "max_length": SLUG_MAX_LENGTH + 1, **kwargs}
        super().__init__(**kwargs)

    def clean(self, value: Any) -> Any:
        slug = str(super().clean(value) or "").strip().removeprefix("#")
        found = room_by_slug(slug) if slug else None
        if found is not None and found.is_direct:
            found = None
        if slug and found is None:
            raise forms.ValidationError(_("There is no room with this name."))
        return found.pk if found else None


class InRoomForm(ReasonForm):
    room_id = RoomField(help_text=_("The last part of the room’s URL, such as general."))
    field_order = ["room_id", "reason"]


class MuteInRoomForm(MuteForm, InRoomForm):
    field_order = ["room_id", "seconds", "reason"]


class BanInRoomForm(BanForm, InRoomForm):
    field_order = ["room_id", "seconds", "reason"]


class UnbanInRoomForm(OptionalReasonForm, InRoomForm):
    field_order = ["room_id", "reason"]


class RoleForm(OptionalReasonForm):
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)
    field_order = ["role", "reason"]


class NameForm(ReasonForm):
    name = forms.CharField(label=_("Name"), max_length=NAME_MAX_LENGTH)
    topic = forms.CharField(label=_("Topic"), max_length=TOPIC_MAX_LENGTH, required=False)
    field_order = ["name", "topic", "reason"]
