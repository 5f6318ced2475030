"""The engine: streams, tails, sockets and their limits. It never names a room, a message or a notification."""
