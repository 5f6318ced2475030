"""`manage.py serve`: the Daphne server with backpressure, close codes and a drain."""
