"""Inboxes and announcements: the streams ``inbox.<user id>`` and ``announcements``."""
