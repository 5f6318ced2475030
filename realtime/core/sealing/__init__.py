"""Numbers that rows get at the COMMIT of another program's transaction (decision 38)."""
