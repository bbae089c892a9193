"""What every source of objects offers, and how it says how fresh it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from console.objects.diagnostics import Diagnostic
from console.objects.meta import Manager, ObjectRef
from console.objects.snapshot import KubeObject, Snapshot


class State(Enum):
    """How fresh a source is.

    CONNECTING: nothing read yet. LOADING: first lists under way. LIVE: following.
    STALE: it was live, the server does not answer, the last snapshot stands.
    FAILED: it never answered (or a file cannot be read); `message` says why.
    STATIC: files; they do not change. PAST: a moment of a recording, which `since` is.
    """

    CONNECTING = "connecting"
    LOADING = "loading"
    LIVE = "live"
    STALE = "stale"
    FAILED = "failed"
    STATIC = "static"
    PAST = "past"


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a source. `since` is a time.time() value in seconds: when the state was entered.

    `message` is one sentence (what failed), `hint` what to do about it; `loaded` counts
    objects read per resource while LOADING. `resources` names the resources that are
    behind (STALE) or refused.
    """

    state: State
    since: float
    message: str = ""
    hint: str = ""
    loaded: dict[str, int] = field(default_factory=dict)
    resources: tuple[str, ...] = ()


class Verb(Enum):
    """What happened to an object."""

    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Change:
    """One change a source saw after its first lists. `detail` says what changed in facts (``label role: a → b``).

    `before` and `after` are the object's two states: an update's snapshot shows the last of
    several changes to one object only, and whoever records them wants each.
    """

    verb: Verb
    ref: ObjectRef
    at: float
    manager: Manager | None = None
    detail: str = ""
    before: KubeObject | None = field(default=None, compare=False, repr=False)
    after: KubeObject | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Update:
    """What a source hands on: the newest snapshot, how fresh it is, and the changes since the last update.

    `server` is the API server's version (``v1.36.0``), ``""`` where there is none or it is not known.
    """

    snapshot: Snapshot
    status: Status
    changes: tuple[Change, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    server: str = ""


class Source(Protocol):
    """A cluster to look at. One thread at a time calls `open` and `close`."""

    @property
    def title(self) -> str:
        """What the header calls it: the context's name, ``demo``, or a path."""
        ...

    def open(self, on_update: Callable[[Update], None]) -> None:
        """Start reading; returns at once. `on_update` is called from the source's own thread.

        Updates are coalesced to four a second, except the first ones. Raises nothing:
        a failure is an Update whose status is FAILED.
        """
        ...

    def close(self) -> None:
        """Stop, promptly; no update follows. Safe to call twice, and before `open`."""
        ...
