"""What a person at the terminal has to put right."""


class LaunchError(Exception):
    """Pamoja cannot start; the message is one line that says why and what to do."""
