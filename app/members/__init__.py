"""Members of the society: who they are, how they are reached, who their nominees are, and what their status allows."""
