"""Which watchers run: cluster-wide where that may be read, else namespace by namespace; and for CRDs that exist.

One thread owns a Fleet and calls it; its workers post their messages to that thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final

from console.cluster.access import Found, Search
from console.cluster.discovery import Discoverer
from console.cluster.failures import Failure
from console.cluster.ledger import Ledger
from console.cluster.steps import Absent, Key, News, Timing
from console.cluster.transport import Transport
from console.cluster.watcher import ApiCollection, NamedNamespaces, Watcher
from console.cluster.worker import Worker
from console.objects.resources import RESOURCES, Resource

_NAMESPACES: Final = Key(RESOURCES[0])
#: After so many unanswered questions for the kinds of policy a cluster has, the console goes on without knowing.
_PATIENCE: Final = 3


class Fleet:
    """Starts and stops watchers as their news, rights and CRDs ask for."""

    def __init__(
        self,
        transport: Transport,
        ledger: Ledger,
        post: Callable[[Callable[[], None]], None],
        *,
        namespaces: Iterable[str],
        timing: Timing,
    ) -> None:
        """`post` hands a call to the owning thread. `namespaces` are tried where the whole cluster is refused."""
        self._transport = transport
        self._ledger = ledger
        self._post = post
        self._wanted = tuple(namespaces)
        self._timing = timing
        self._watchers: dict[Key, Watcher] = {}
        self._discoverer = Discoverer(
            transport, lambda answer: post(partial(self._discovered, answer)), timing.discover
        )
        self._undiscovered = 0
        self._search: Search | None = None
        self._searched: set[tuple[Resource, str]] = set()
        self._search_again = 0.0

    def begin(self) -> None:
        """Follow what every cluster has, and look for what this one has besides."""
        for resource in RESOURCES:
            self._follow(Key(resource))
        self._discoverer.start()

    def stop(self, timeout: float) -> None:
        """Stop everything; wait for it no longer than `timeout` seconds."""
        workers: list[Worker] = [self._discoverer, *self._watchers.values(), *([self._search] if self._search else [])]
        for worker in workers:
            worker.stop()
        deadline = time.monotonic() + timeout
        for worker in workers:
            worker.join(deadline - time.monotonic())

    def consider(self) -> None:
        """Look for namespaces to read one by one where the whole cluster is refused; to be called now and then."""
        lacking = [key for key in self._watchers if _cluster_wide(key) and self._ledger.refused(key)]
        whole = [Key(resource) for resource in RESOURCES]
        if not lacking or not all(self._ledger.settled(key) or self._ledger.behind(key) for key in whole):
            self._ledger.searching = bool(lacking)
            return
        names = list(dict.fromkeys([*self._wanted, *self._ledger.namespaces()]))
        todo = {(key.resource, name) for key in lacking for name in names} - self._searched
        due = time.monotonic() >= self._search_again
        if self._search is None and (todo or due):
            asked = names if due else [name for name in names if any(name == each for _, each in todo)]
            self._searched |= todo
            self._search_again = time.monotonic() + self._timing.refused
            resources = [key.resource for key in lacking if key.resource.namespaced]
            self._search = Search(
                self._transport, resources, asked, lambda found: self._post(partial(self._found, found))
            )
            self._search.start()
        self._ledger.searching = self._search is not None

    def _follow(self, key: Key) -> None:
        if key in self._watchers:
            return
        collection = NamedNamespaces(self._transport, key) if key.names else ApiCollection(self._transport, key)
        watcher = Watcher(key, collection, self._transport, self._heard, self._timing)
        self._watchers[key] = watcher
        self._ledger.expect(key)
        watcher.start()

    def _leave(self, key: Key) -> None:
        self._watchers.pop(key).stop()
        self._ledger.forget(key)

    def _heard(self, watcher: Watcher, news: list[News]) -> None:
        self._post(partial(self._news, watcher, news, time.time()))

    def _news(self, watcher: Watcher, news: list[News], at: float) -> None:
        key = watcher.key
        if self._watchers.get(key) is not watcher:
            return  # last words of one that was stopped
        behind = self._ledger.behind(key)
        self._ledger.take(key, news, at)
        if behind and not behind.code and not self._ledger.behind(key):
            self._hurry()
        if any(isinstance(each, Absent) for each in news):
            del self._watchers[key]
        elif _cluster_wide(key) and self._ledger.listed(key):
            for other in [other for other in self._watchers if other.resource == key.resource and other != key]:
                self._leave(other)
                self._searched = {each for each in self._searched if each[0] != key.resource}

    def _hurry(self) -> None:
        """The server is back: whoever waits for it need not wait on."""
        for key, watcher in self._watchers.items():
            failure = self._ledger.behind(key)
            if failure is not None and not failure.code:
                watcher.hurry()

    def _discovered(self, answer: tuple[Resource, ...] | Failure) -> None:
        if isinstance(answer, Failure):
            self._undiscovered += 1
            if self._ledger.kinds is False and (answer.code == 403 or self._undiscovered >= _PATIENCE):
                self._ledger.kinds = answer
            return
        self._undiscovered = 0
        self._ledger.kinds, self._ledger.server = True, self._discoverer.server
        for key in list(self._watchers):
            if key.resource.optional and key.resource not in answer:
                self._watchers.pop(key).stop()
                moved = any(resource.kind == key.resource.kind for resource in answer)  # to another version
                self._ledger.forget(key) if moved else self._ledger.drop(key, time.time())
        for resource in answer:
            self._follow(Key(resource))

    def _found(self, found: Found) -> None:
        self._search = None
        for resource, names in found.readable.items():
            if self._ledger.refused(Key(resource)):
                for name in names:
                    self._follow(Key(resource, name))
        if self._ledger.refused(_NAMESPACES):
            named = Key(_NAMESPACES.resource, None, tuple(sorted({*found.named, *self._named()})))
            if named not in self._watchers:
                for old in [key for key in self._watchers if key.names]:
                    self._leave(old)
                self._follow(named)

    def _named(self) -> Iterator[str]:
        for key in self._watchers:
            yield from key.names


def _cluster_wide(key: Key) -> bool:
    return key.namespace is None and not key.names
