"""The engine in the Django admin: access tokens, and the nodes of the cluster."""

from realtime.admin import nodes, tokens

__all__ = ["nodes", "tokens"]
