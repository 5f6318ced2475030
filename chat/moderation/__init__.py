"""Evidence, archives and site bans."""
