"""Chat over HTTP and WebSockets: JSON views, commands and consumers."""
