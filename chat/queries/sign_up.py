"""The mode of sign-up that is in effect."""

from django.conf import settings

from chat.models import SignUpRequest, SignUpSettings
from chat.moderation import raid_mode

Mode = SignUpSettings.Mode


def sign_up_settings() -> SignUpSettings:
    """Return the settings. Where the admin has set no mode, HOLDFAST_SIGNUP decides."""
    row = SignUpSettings.objects.filter(pk=1).first() or SignUpSettings()
    row.mode = row.mode or (Mode.OPEN if settings.HOLDFAST_SIGNUP else Mode.CLOSED)
    return row


def needs_approval(mode: str) -> bool:
    """Return whether a new account has to wait for a moderator, in this mode of sign-up."""
    return mode == Mode.APPROVAL or raid_mode.current().approve_sign_ups


def is_offered() -> bool:
    """Return whether pages link to sign-up for visitors without an invitation."""
    return sign_up_settings().mode in (Mode.OPEN, Mode.APPROVAL)


def is_offered_with_invitation() -> bool:
    return sign_up_settings().mode != Mode.CLOSED


def request_of(user_id: int) -> SignUpRequest | None:
    return SignUpRequest.objects.filter(pk=user_id).first()
