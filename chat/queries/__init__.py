"""Reads of chat, one module per subject.

Every list has a limit and walks along an index. Nothing opens a transaction.
"""
