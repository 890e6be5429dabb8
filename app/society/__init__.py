"""The society itself: its details, its branches, and the days on which it works."""
