"""What a browser calls itself, in the two words by which its owner knows it: "Chrome on Android"."""

from __future__ import annotations

# Each calls itself by the names of others as well, so the order decides.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("UCBrowser/", "UC Browser"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Android", "Android"),
    ("KAIOS", "KaiOS"),
    ("Windows", "Windows"),
    ("CrOS", "a Chromebook"),
    ("Mac OS X", "a Mac"),
    ("Linux", "Linux"),
)


def in_words(user_agent: str | None) -> str:
    """The browser and what it runs on; what is not known is called so."""
    named = next((name for mark, name in _BROWSERS if mark in (user_agent or "")), "A browser")
    system = next((name for mark, name in _SYSTEMS if mark in (user_agent or "")), None)
    return f"{named} on {system}" if system else named
