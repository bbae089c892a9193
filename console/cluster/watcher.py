"""A thin thread around one Reflector: it does what the machine says and tells it what happened."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from console.cluster.client import Call
from console.cluster.failures import Aborted, Failure, RequestFailed
from console.cluster.reflector import Reflector
from console.cluster.steps import (
    Behind,
    Command,
    Elapsed,
    Ended,
    EventArrived,
    Failed,
    Garbled,
    Happened,
    Key,
    List,
    News,
    Opened,
    PageArrived,
    Reload,
    Reloaded,
    Stop,
    Timing,
    Wait,
    Watch,
)
from console.cluster.transport import Transport
from console.cluster.worker import Worker
from console.errors import InputError
from console.objects.decode import Page, decode_event, decode_page
from console.objects.diagnostics import Diagnostic, Malformed, Severity


class Lines(Protocol):
    """An open stream of a watch."""

    def lines(self, idle: float) -> Iterator[bytes]:
        """The lines as they come; TimeoutError after `idle` seconds of silence."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Collection(Protocol):
    """What a Reflector follows. Both methods raise as Transport does, and Malformed."""

    def page(self, token: str, limit: int, call: Call) -> Page:
        """One page of the list."""
        ...

    def watch(self, version: str, seconds: int, call: Call) -> Lines:
        """The stream of changes after a version."""
        ...


class ApiCollection:
    """A resource's objects, as the API server lists and watches them."""

    def __init__(self, transport: Transport, key: Key) -> None:
        self._transport = transport
        self._key = key

    def page(self, token: str, limit: int, call: Call) -> Page:
        """One page of the list."""
        resource, namespace, _ = self._key
        body = self._transport.list_page(resource, namespace, token=token, limit=limit, call=call)
        return decode_page(body, resource)

    def watch(self, version: str, seconds: int, call: Call) -> Lines:
        """The stream of changes after a version."""
        resource, namespace, _ = self._key
        return self._transport.watch(resource, namespace, version=version, seconds=seconds, call=call)


class NamedNamespaces:
    """The Namespaces of some names, one by one, for a user who may get but not list them."""

    def __init__(self, transport: Transport, key: Key) -> None:
        self._transport = transport
        self._key = key

    def page(self, token: str, limit: int, call: Call) -> Page:
        """All of those names that exist and may be read. Raises RequestFailed if none may."""
        del token, limit
        found: list[bytes] = []
        refused: RequestFailed | None = None
        for name in self._key.names:
            try:
                found.append(self._transport.get(f"{self._key.resource.path()}/{name}", call))
            except RequestFailed as error:
                if error.failure.code not in (403, 404):
                    raise
                refused = error
        if not found and refused is not None:
            raise refused
        body = b'{"metadata":{"resourceVersion":"0"},"items":[' + b",".join(found) + b"]}"
        return decode_page(body, self._key.resource)

    def watch(self, version: str, seconds: int, call: Call) -> Lines:
        """Refused: who may not list may not watch; the machine polls instead."""
        del version, seconds, call
        raise RequestFailed(Failure(403, "namespaces are read one by one"))


class Watcher(Worker):
    """Follows one collection in a thread of its own, and posts the news."""

    def __init__(
        self,
        key: Key,
        collection: Collection,
        transport: Transport,
        post: Callable[[Watcher, list[News]], None],
        timing: Timing,
    ) -> None:
        """`post` is called from the watcher's thread; after `stop` it may still be called once."""
        super().__init__(f"watch-{key.resource.plural}")
        self.key = key
        self._collection = collection
        self._transport = transport
        self._post = post
        self._timing = timing
        self._machine = Reflector(optional=key.resource.optional, timing=timing, jitter=random.random)

    def run(self) -> None:
        """Do as the machine says, until it says Stop."""
        command: Command | None = self._machine.start().command
        while command is not None and not isinstance(command, Stop) and not self.stopped.is_set():
            try:
                command = self._follow(command) if isinstance(command, Watch) else self._feed(self._obey(command))
            except Aborted:
                raise
            except Exception as error:
                # A mistake of ours must not pass for a quiet cluster.
                message = f"following {self.key.resource.plural} failed inside the console ({type(error).__name__})"
                self._post(self, [Behind(Failure(0, message, "please report this; start the console again"))])
                raise

    def _feed(self, happened: Happened) -> Command | None:
        step = self._machine.step(happened)
        if step.news and not self.stopped.is_set():
            self._post(self, step.news)
        return step.command

    def _obey(self, command: Command) -> Happened:
        try:
            match command:
                case List(token, limit):
                    return PageArrived(self._collection.page(token, limit, self.call))
                case Wait(seconds):
                    self.pause(seconds)
                    return Elapsed()
                case Reload():
                    self._transport.reload(self.call)
                    return Reloaded()
        except Malformed as error:
            return Garbled(_diagnostic(error))
        except RequestFailed as error:
            return Failed(error.failure)
        except InputError as error:
            return Failed(Failure(0, error.message, error.hint))
        raise AssertionError(command)

    def _follow(self, command: Watch) -> Command | None:
        """Open a stream and feed the machine until it wants something else."""
        try:
            stream = self._collection.watch(command.resource_version, command.seconds, self.call)
        except RequestFailed as error:
            return self._feed(Failed(error.failure))
        except InputError as error:
            return self._feed(Failed(Failure(0, error.message, error.hint)))
        opened, heard = time.monotonic(), False
        try:
            then = self._feed(Opened())
            for line in stream.lines(self._timing.idle):
                heard = True
                then = self._feed(EventArrived(decode_event(line, self.key.resource)))
                if then is not None:
                    return then
        except Malformed as error:
            return self._feed(Garbled(_diagnostic(error), lasted=time.monotonic() - opened))
        except TimeoutError:
            # Silence longer than any bookmark takes: the other side may be gone without a word.
            return self._feed(Ended(time.monotonic() - opened, silent=not heard))
        except RequestFailed as error:
            return self._feed(Failed(error.failure, lasted=time.monotonic() - opened))
        finally:
            stream.close()
        return self._feed(Ended(time.monotonic() - opened))


def _diagnostic(error: Malformed) -> Diagnostic:
    return Diagnostic(severity=Severity.ERROR, message=error.message, ref=error.ref, path=error.path)
