"""Rooms, messages, members and their moderation: the streams ``room.<id>``."""
