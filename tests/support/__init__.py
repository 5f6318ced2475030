"""What the tests stand on: services, server processes, a browser. Nothing here is a test."""
