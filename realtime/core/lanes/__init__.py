"""How the writer gathers batches, and splits them round what is locked."""
