"""Passwords: the rules for new ones, hashing, and the queue in front of forms that hash."""
