"""Demonstration data: a small society with a past, or a large one for measuring. Never in production."""
