"""Services, server processes and a browser for the tests. Nothing here is a test."""
