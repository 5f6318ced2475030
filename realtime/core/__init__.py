"""The parts below the engine: heads, reads, writes, publishing, commands and metrics."""
