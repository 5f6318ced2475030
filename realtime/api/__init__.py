"""The engine over WebSockets and HTTP: frames and requests in, replies out."""
