"""The frame of every page, and the pages that compose rooms."""
