"""The protocol ``holdfast.v1`` as pure Python: no I/O, no clock, no Django, no Channels, no Redis.

Every decision that promises something is made in this package, so that it can be tested without a server.
"""
