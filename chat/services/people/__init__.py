"""People: access to an account, blocks, a change of name, erasure."""
