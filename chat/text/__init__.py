"""The text of messages: Markdown, plain text, filters, hooks and rate limits. Nothing here reads the database."""
