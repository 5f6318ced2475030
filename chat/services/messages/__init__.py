"""Messages: posting, editing, reacting, reading, reporting, and the people that they notify."""
