"""Addresses of the database and the brokers, and what they choose."""
