"""Fees: what the society charges for, since when, how much, who bears it, and the excise duty on it."""
