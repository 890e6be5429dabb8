"""Outgoing webhooks: other programs are told what happened, signed, until they say that they heard it.

Messages, headers and signatures follow the Standard Webhooks specification (https://www.standardwebhooks.com): there
are libraries for receivers in every language.
"""
