"""The words in which a reflector and the thread around it talk: what to do, what happened, and news."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from console.cluster.failures import Failure
from console.objects.coverage import Gap
from console.objects.decode import Event, Page
from console.objects.diagnostics import Diagnostic
from console.objects.resources import Resource
from console.objects.snapshot import KubeObject

# -- what is followed --------------------------------------------------------------------------------------------------


class Key(NamedTuple):
    """What is followed: a resource in the whole cluster (None) or in a namespace; or, of Namespaces, `names` alone."""

    resource: Resource
    namespace: str | None = None
    names: tuple[str, ...] = ()


# -- what to do next ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class List:
    """Ask for a page. `limit` 0 asks for everything at once."""

    continue_token: str
    limit: int


@dataclass(frozen=True, slots=True)
class Watch:
    """Open a stream of changes after `resource_version`; the server is asked to end it after `seconds`."""

    resource_version: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for that many seconds, then say Elapsed."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Reload:
    """Read the credentials again, then say Reloaded (or Failed)."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The server has no such resource any more; there is nothing to follow."""


Command = List | Watch | Wait | Reload | Stop

# -- what happened -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PageArrived:
    """The answer to List."""

    page: Page


@dataclass(frozen=True, slots=True)
class Opened:
    """Watch was granted: the stream is open."""


@dataclass(frozen=True, slots=True)
class EventArrived:
    """A line of the stream."""

    event: Event


@dataclass(frozen=True, slots=True)
class Ended:
    """The stream ended without an error (or fell silent) after `lasted` seconds; `silent`: it never said anything."""

    lasted: float
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """The command failed; for Watch, `lasted` seconds after the stream had opened."""

    failure: Failure
    lasted: float = 0.0


@dataclass(frozen=True, slots=True)
class Garbled:
    """The server sent what cannot be decoded: a body that is no list, a line that is no event of the resource."""

    diagnostic: Diagnostic
    lasted: float = 0.0


@dataclass(frozen=True, slots=True)
class Elapsed:
    """The Wait is over."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The credentials were read again."""


Happened = PageArrived | Opened | EventArrived | Ended | Failed | Garbled | Elapsed | Reloaded

# -- news --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Filled:
    """New objects of a first list, page by page; `count` is how many the list has brought so far."""

    objects: list[KubeObject]
    count: int


@dataclass(frozen=True, slots=True)
class Changed:
    """An object came (`before` None), changed, or went (`after` None). `first` marks repairs within a first list."""

    before: KubeObject | None
    after: KubeObject | None
    first: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A whole list was read: what is kept now equals what the server had. With what of it could not be decoded."""

    count: int
    gaps: tuple[Gap, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Following:
    """The stream of changes is open (again)."""


@dataclass(frozen=True, slots=True)
class Behind:
    """The server did not answer, or not usefully, more than once in a row; it is tried again."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The server refuses to list the resource, or fails whenever it is asked to; it is asked again now and then.

    What was told of it counts no more: a list granted later is told as a first one.
    """

    failure: Failure


@dataclass(frozen=True, slots=True)
class Polled:
    """The resource may be listed but not watched: it is listed again every half minute."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Absent:
    """An optional resource does not exist (any more)."""


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """The server sent something malformed; the resource is listed again."""

    diagnostic: Diagnostic


News = Filled | Changed | Listed | Following | Behind | Unreadable | Polled | Absent | Diagnosed


@dataclass(frozen=True, slots=True)
class Step:
    """The machine's answer. `command` None means: go on reading the open stream."""

    command: Command | None
    news: list[News] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Timing:
    """The pace, in seconds; `limit` is objects a page.

    `idle` is how long a stream may be silent: the API server sends bookmarks about
    once a minute, so a longer silence means a half-open connection. A stream that
    lasted `steady` counts as good. `refused` spaces the questions after a 403, but for
    the second one, which comes soon; what could be read before must be refused more than
    `doubts` times before that is believed. `sign_in` spaces the questions for credentials
    that cannot be had, `discover` those for CRDs that came or went.
    """

    limit: int = 500
    backoff_min: float = 0.5
    backoff_max: float = 30.0
    steady: float = 5.0
    watch: int = 290
    idle: float = 90.0
    refused: float = 240.0
    doubts: int = 3
    poll: float = 30.0
    sign_in: float = 60.0
    discover: float = 40.0
    retry_after_max: float = 120.0
