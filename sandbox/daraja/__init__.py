"""Safaricom's Daraja as reference/mpesa.md describes it."""
