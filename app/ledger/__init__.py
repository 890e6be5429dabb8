"""The ledger: branches, chart of accounts, member accounts, entries, balances, business days and their seal.

Append-only double entry that the database itself enforces: everything is written by its doors (functions in the schema
``ledger``), which ``service`` calls; ``queries`` reads.
"""
