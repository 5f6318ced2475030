"""Moderation: bans and mutes, cases, filters, bulk actions, and the moderators themselves."""
