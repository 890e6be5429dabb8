"""What goes over the wire, as Chromium counts it: headers and compressed bodies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page

SLOW_LINE = {"offline": False, "latency": 500, "downloadThroughput": 50_000 // 8, "uploadThroughput": 50_000 // 8}
"""50 kbit/s with a round trip of half a second: 2G on a good day."""


@dataclass(slots=True)
class Traffic:
    """What was asked for and how much came back."""

    addresses: list[str] = field(default_factory=list)
    bytes: int = 0


@contextmanager
def counted(page: Page) -> Iterator[Traffic]:
    """Everything that the page fetches from the network within this block; what the cache answers is not counted."""
    traffic = Traffic()
    asked: dict[str, str] = {}
    cached: set[str] = set()
    session = page.context.new_cdp_session(page)

    def finished(event: dict[str, Any]) -> None:
        if event["requestId"] in cached or event["requestId"] not in asked:
            return
        traffic.addresses.append(asked[event["requestId"]])
        traffic.bytes += int(event["encodedDataLength"])

    session.on("Network.requestWillBeSent", lambda event: asked.update({event["requestId"]: event["request"]["url"]}))
    session.on("Network.requestServedFromCache", lambda event: cached.add(event["requestId"]))
    session.on(
        "Network.responseReceived",
        lambda event: cached.add(event["requestId"]) if event["response"].get("fromDiskCache") else None,
    )
    session.on("Network.loadingFinished", finished)
    session.send("Network.enable")
    try:
        yield traffic
        page.wait_for_load_state("networkidle")
    finally:
        session.detach()


def slow_down(page: Page) -> None:
    """Put the page on a slow line."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", SLOW_LINE)


def seconds_until_readable(page: Page) -> float:
    """When the first words of the page just opened were painted."""
    milliseconds = page.evaluate(
        """() => new Promise(tell => new PerformanceObserver(list => {
            for (const entry of list.getEntries()) if (entry.name === "first-contentful-paint") tell(entry.startTime)
        }).observe({type: "paint", buffered: true}))"""
    )
    return float(milliseconds) / 1000
