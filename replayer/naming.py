"""What the name of a property says of its value: that it identifies something, or that it tells a time."""

from __future__ import annotations

import re

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_IDENTIFYING = re.compile(
    r"(?:^|_)(?:id|ids|uid|uuid|guid|ref|token|key|cursor|session|sid|nonce|handle|code|ticket|etag|version)$"
)
_TIMELY = re.compile(r"(?:^|_)(?:time|timestamp|ts|at|date|ms|us|ns|seconds|duration|elapsed|latency|uptime|nonce)$")


def _snake_case(name: str) -> str:
    return _HUMP.sub("_", name).replace("-", "_").lower()


def words(name: str) -> list[str]:
    """Return the words of a property's name in lower case: ``lastEventId`` has three."""
    return [word for word in re.split(r"[^0-9a-z]+", _snake_case(name)) if word]


def names_identifier(name: str) -> bool:
    """Tell whether a property's name says that its value identifies something: ``thread_id``, ``runId``, ``cursor``."""
    return bool(_IDENTIFYING.search(_snake_case(name)))


def names_time(name: str) -> bool:
    """Tell whether a property's name says that its value tells a time or how long something took."""
    return bool(_TIMELY.search(_snake_case(name)))
