"""The live state of a process: hub, tails, subscriptions, sockets, presence, channel layer."""
