"""Ground that every room stands on: money, time, transactions, the doorbell. No word of banking in here."""
