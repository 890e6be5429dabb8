"""The other side of every wire: simulators of the providers, with a phone to look at and books of their own.

Nothing here imports from ``app``. What a provider answers is transcribed from the reference, never from our client.
"""
