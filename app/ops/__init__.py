"""Watching over the system: is it alive, is it ready, what happened, and who asked."""
