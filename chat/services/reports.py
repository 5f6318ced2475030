"""Reports: members ask moderators to look."""

from chat.models import Report


def report(*, actor_id: int, message_id: int, category: str, note: str = "") -> Report:
    """Report a message that the actor can read."""
    raise NotImplementedError


def close_report(*, actor_id: int, report_id: int, status: str, reason: str = "") -> Report:
    """Mark a report as resolved or dismissed. For moderators of the site."""
    raise NotImplementedError
