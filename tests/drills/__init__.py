"""Drills of an operator: restoring a backup, upgrading node by node. Each is a verb of make."""
