"""Reads of chat, one file a subject. Every list is bounded and walks along an index; nothing opens a transaction."""
