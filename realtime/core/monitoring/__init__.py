"""Reports of a node about itself: its work, slow statements, peers, request ids and traces."""
