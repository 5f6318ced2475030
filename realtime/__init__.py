"""The engine: streams, tails, sockets and limits. It knows no room and no notification."""
