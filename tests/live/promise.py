"""What the console promises to do to a cluster, checked against what the server recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_REVIEWS = {"selfsubjectaccessreviews", "selfsubjectrulesreviews"}


def asked(audit: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The records of the console's own requests."""
    return [each for each in audit if each.get("userAgent", "").startswith("netpol-console")]


def breaches(audit: Iterable[Mapping[str, Any]]) -> list[str]:
    """Every request of the console that breaks the promise: none but reads, self-reviews, and never a Secret."""
    found = []
    for each in asked(audit):
        verb, about = each["verb"], each.get("objectRef", {})
        reviews = verb == "create" and about.get("resource") in _REVIEWS
        reads = verb in ("get", "list", "watch") and about.get("resource") != "secrets" and not about.get("subresource")
        if not reviews and not reads:
            found.append(f"{verb} {each['requestURI']}")
    return found
