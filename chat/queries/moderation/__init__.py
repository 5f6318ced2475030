"""Reads for moderators: reports, and templates of reasons."""
