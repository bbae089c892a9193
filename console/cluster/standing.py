"""Where the reading of a cluster stands: the state a header shows, and the gaps a verdict must know of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from console.cluster.failures import ANONYMOUS, Failure
from console.cluster.source import State
from console.cluster.steps import Behind, Following, Key, News, Polled
from console.objects.coverage import LOADING, NOT_READABLE, Gap
from console.objects.diagnostics import Diagnostic
from console.objects.meta import ObjectRef


@dataclass(slots=True)
class Followed:
    """Where the reading of one collection stands."""

    begun: bool = False  # the first page of a first list has come
    inherited: set[ObjectRef] = field(default_factory=set)  # held from earlier readers, not seen by this one
    settled: bool = False  # listed, or refused
    count: int = 0
    behind: Failure | None = None
    refused: Failure | None = None
    polled: Failure | None = None
    gaps: tuple[Gap, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    garbled: Diagnostic | None = None

    @property
    def listed(self) -> bool:
        """Whether it was read whole."""
        return self.settled and self.refused is None


Board = Mapping[Key, Followed]


def tells(news: News, held: Followed) -> bool:
    """Whether a piece of news changes what an update says."""
    match news:
        case Following():
            return bool(held.behind or held.polled)
        case Behind(failure):
            return failure != held.behind
        case Polled(failure):
            return failure != held.polled
    return True


def state(board: Board, *, whole: bool) -> tuple[State, Failure | None, tuple[str, ...]]:
    """The state, what there is to say of it, and the resources concerned. `whole`: everything was read once."""
    behind = {key.resource.full_name: held.behind for key, held in board.items() if held.behind is not None}
    failure = next(iter(behind.values()), None)
    if not any(held.settled for held in board.values()):
        return (State.FAILED if failure else State.CONNECTING), failure, tuple(behind)
    if not whole:
        return State.LOADING, failure, tuple(behind)
    if any(held.behind is not None and key.resource.decides for key, held in board.items()):
        return State.STALE, failure, tuple(behind)
    refused = {key.resource.full_name: held.refused for key, held in _refused(board) if held.refused is not None}
    if not any(held.listed and key.resource.decides for key, held in board.items()):
        return State.FAILED, _nothing(next(iter(refused.values()), None)), tuple(refused)
    if failure is None and refused:
        failure = _partly(tuple(refused), sorted({key.namespace for key in board if key.namespace is not None}))
    if failure is None:
        failure = next(
            (_polled(key, held.polled) for key, held in board.items() if held.polled and not key.names), None
        )
    return State.LIVE, failure, tuple(sorted({*behind, *refused}))


def gaps(board: Board, kinds: Failure | bool, read_by_name: Callable[[], Iterator[str]]) -> Iterator[Gap]:
    """What is not known. `kinds` is Ledger.kinds, `read_by_name` the Namespaces that were read one by one."""
    if kinds is False:
        yield Gap(code=LOADING, resource="*", why="which kinds of policy the cluster has is not known yet")
    elif isinstance(kinds, Failure):
        why = f"which kinds of policy the cluster has is not known ({kinds.message})"
        yield Gap(code=NOT_READABLE, resource="*", why=why)
    for key, held in board.items():
        name = key.resource.full_name
        if not held.settled:
            yield Gap(code=LOADING, resource=name, why=f"{name} have not been read yet", namespace=key.namespace)
        yield from held.gaps
    for key, held in _refused(board):
        if held.refused is not None:
            besides = tuple(sorted({*_besides(board, key, read_by_name)}))
            where = f", but for {len(besides)} namespace{'s' * (len(besides) != 1)}" if besides else ""
            why = f"{key.resource.full_name} cannot be read{where} ({held.refused.message})"
            yield Gap(code=NOT_READABLE, resource=key.resource.full_name, why=why, besides=besides)


def _refused(board: Board) -> Iterator[tuple[Key, Followed]]:
    """The resources that may not be read in the whole cluster."""
    for key, held in board.items():
        if held.refused is not None and key.namespace is None and not key.names:
            yield key, held


def _besides(board: Board, key: Key, read_by_name: Callable[[], Iterator[str]]) -> Iterator[str]:
    """The namespaces in which a resource is followed though it may not be read in the whole cluster."""
    for other, held in board.items():
        if other.resource == key.resource and other.namespace is not None and held.refused is None:
            yield other.namespace
        if other.resource == key.resource and other.names:
            yield from read_by_name()


def _nothing(failure: Failure | None) -> Failure:
    hint = "ask for the right to read, or name the namespaces you may read with --namespace"
    if failure is None:
        return Failure(403, "the cluster lets this user read nothing", hint)
    if ANONYMOUS in failure.message:
        hint = failure.hint  # rights are not what is missing
    return Failure(failure.code, f"the cluster lets this user read nothing: {failure.message}", hint)


def _partly(refused: tuple[str, ...], namespaces: list[str]) -> Failure:
    message = f"not readable in the whole cluster: {', '.join(sorted(refused))}"
    if namespaces:
        message += f"; read in {', '.join(namespaces[:3])}{' …' if len(namespaces) > 3 else ''}"
    return Failure(403, message, "verdicts that depend on the rest are UNKNOWN; --namespace names more to try")


def _polled(key: Key, failure: Failure) -> Failure:
    message = f"{key.resource.full_name} may not be watched, so changes show within half a minute"
    return Failure(failure.code, message, "ask for the verb watch")
