"""Reviews of messages: reports, cases and their records, hidden and held texts."""
