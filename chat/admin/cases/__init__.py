"""Cases in the admin: their list, the page of each, its steps, and what is shown beside it."""
