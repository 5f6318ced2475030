"""Retention: old messages, and what belongs to them, are removed for good."""
