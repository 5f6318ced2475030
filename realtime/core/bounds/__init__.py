"""How much one account or address may use: requests at once, acts in an hour, turns of threads."""
