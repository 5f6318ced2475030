"""Search: what somebody looks for (``query``), where it stands (``index``), what of it is shown (``excerpts``, ``results``)."""
