"""What an act asks for."""

from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from chat.models import NAME_MAX_LENGTH, REASON_MAX_LENGTH, SLUG_MAX_LENGTH, TOPIC_MAX_LENGTH, Role
from chat.queries.rooms import room_by_slug

MINUTE, HOUR, DAY = 60, 3600, 86_400  # seconds
MUTES: Final = [
    *(
        (10 * MINUTE, _("10 minutes")),
        (HOUR, _("1 hour")),
        (6 * HOUR, _("6 hours")),
        (DAY, _("1 day")),
    ),
    *((7 * DAY, _("1 week")), (30 * DAY, _("30 days")), (365 * DAY, _("1 year"))),
]
BANS: Final = [("", _("until it is lifted")), *MUTES]
SLOW_MODES: Final = [
    *(
        (0, _("off")),
        (5, _("5 seconds")),
        (10, _("10 seconds")),
        (30, _("30 seconds")),
        (MINUTE, _("1 minute")),
    ),
    *(
        (5 * MINUTE, _("5 minutes")),
        (15 * MINUTE, _("15 minutes")),
        (HOUR, _("1 hour")),
        (6 * HOUR, _("6 hours")),
    ),
]


class ReasonForm(forms.Form):
    """The reason, which whoever is concerned is told."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_MAX_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("The person concerned reads it, and so do the other moderators."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        next(iter(self.fields.values())).widget.attrs["autofocus"] = True


class LiftForm(ReasonForm):
    """A reason that may be left out: nobody complains of being let go."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = False


class MuteForm(ReasonForm):
    """How long, and why."""

    seconds = forms.TypedChoiceField(label=_("For"), choices=MUTES, coerce=int, initial=HOUR)
    field_order = ["seconds", "reason"]


class BanForm(ReasonForm):
    """How long, and why."""

    seconds = forms.TypedChoiceField(
        label=_("For"), choices=BANS, coerce=int, empty_value=None, required=False
    )
    field_order = ["seconds", "reason"]


class SlowModeForm(LiftForm):
    """How slowly, and why."""

    field_order = ["seconds", "reason"]
    seconds = forms.TypedChoiceField(
        label=_("Between two messages of a member"), choices=SLOW_MODES, coerce=int
    )


class RoomField(forms.CharField):
    """A room, by the last part of its address."""

    def clean(self, value: Any) -> int:
        """Return the id of the room."""
        found = room_by_slug(super().clean(value).removeprefix("#"))
        if found is None:
            raise forms.ValidationError(_("There is no such room."))
        return found.pk


class InRoomForm(ReasonForm):
    """In which room, and why."""

    room_id = RoomField(
        label=_("Room"),
        max_length=SLUG_MAX_LENGTH + 1,
        help_text=_("The last part of its address: general"),
    )
    field_order = ["room_id", "reason"]


class MuteInRoomForm(MuteForm, InRoomForm):
    """In which room, how long, and why."""

    field_order = ["room_id", "seconds", "reason"]


class BanInRoomForm(BanForm, InRoomForm):
    """In which room, how long, and why."""

    field_order = ["room_id", "seconds", "reason"]


class RoleForm(LiftForm):
    """Which role, and why."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)
    field_order = ["role", "reason"]


class NameForm(ReasonForm):
    """What a room is to be called, and why."""

    name = forms.CharField(label=_("Name"), max_length=NAME_MAX_LENGTH)
    topic = forms.CharField(label=_("Topic"), max_length=TOPIC_MAX_LENGTH, required=False)
    field_order = ["name", "topic", "reason"]


class LiftInRoomForm(LiftForm, InRoomForm):
    """In which room, and a reason that may be left out."""

    field_order = ["room_id", "reason"]
