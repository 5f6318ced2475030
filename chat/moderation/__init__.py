"""Evidence, archives and site bans: what the moderation desk reads beside the rooms."""
