"""The live part of one process: hub, tails, subscribers, presence, channel layer."""
