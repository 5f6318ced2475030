"""The choice of a user to give and get read receipts."""

from chat.models import ReceiptsOff
from realtime.core.heads import changing


def set_receipts(*, user_id: int, on: bool) -> None:
    """Let others see how far the user has read, and the user how far they have; or neither."""
    with changing():
        if on:
            ReceiptsOff.objects.filter(user_id=user_id).delete()
        else:
            ReceiptsOff.objects.get_or_create(user_id=user_id)
