"""The HTML pages of chat: their views, the data that they show, and their addresses."""
