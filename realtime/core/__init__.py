"""What the engine is made of: streams and their heads, reads and writes, publishing, commands, metrics. It knows no socket."""
