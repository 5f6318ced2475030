"""The parts of the engine without sockets: streams, reads, writes, publishing, metrics."""
