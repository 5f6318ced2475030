"""What is live in one process: the hub, the tails of streams, their subscribers, presence, and the channel layer."""
