"""Money in and out: one record for a movement on any rail, and the rails themselves."""
