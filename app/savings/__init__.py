"""Savings: what may be saved in, on what terms, the members' accounts, and the money paid into them."""
