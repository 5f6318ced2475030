"""Search: parse a query (``query``), find messages (``index``), cut excerpts (``excerpts``)."""
