"""Rooms: creating and changing them, their members, roles and invitation links."""
