"""The text of messages: Markdown, plain text, filters, hooks, rate limits. No database reads."""
