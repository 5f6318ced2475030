"""The protocol ``holdfast.v1`` as pure Python: no I/O, no clock, no Django, no Channels, no Redis.

Every decision behind a promise is made in this package, so it can be tested without a server.
"""
