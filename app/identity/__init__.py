"""Identity: the staff of the society, what they may do, and how they prove who they are."""
