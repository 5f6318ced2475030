"""The JSON API of rooms.

In every answer ``seq`` was read before the rows, so a client that continues from it misses
nothing.
"""
