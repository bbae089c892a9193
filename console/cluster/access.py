"""What a user may read who may not read the whole cluster, by reviews of one's own rights in each namespace."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from console.cluster.client import Call
from console.cluster.failures import RequestFailed
from console.cluster.transport import Review, Transport
from console.cluster.worker import Worker
from console.errors import InputError
from console.objects.resources import Resource
from console.objects.shapes import NO_JSON, prepare

#: No more namespaces than this are looked at: each takes a question.
MAX_ASKED: Final = 1000
#: No more of them than this are followed one by one: each takes a connection for every resource.
MAX_FOLLOWED: Final = 100


class _Rule(msgspec.Struct, rename="camel"):
    verbs: list[str] | None = None
    api_groups: list[str] | None = None
    resources: list[str] | None = None
    resource_names: list[str] | None = None


class _RulesStatus(msgspec.Struct, rename="camel"):
    resource_rules: list[_Rule] | None = None
    incomplete: bool = False


class _AccessStatus(msgspec.Struct):
    allowed: bool = False


class _RulesReview(msgspec.Struct):
    status: _RulesStatus


class _AccessReview(msgspec.Struct):
    status: _AccessStatus


@dataclass(frozen=True, slots=True)
class Found:
    """The namespaces in which each resource may be listed, and the Namespaces that may be worth a try by name."""

    readable: dict[Resource, tuple[str, ...]]
    named: tuple[str, ...]


prepare(_RulesReview, _AccessReview)


def search(transport: Transport, resources: Iterable[Resource], namespaces: Iterable[str], call: Call) -> Found:
    """Ask, for each of `namespaces` (the most wanted first), which `resources` may be listed in it.

    Where a review gives no answer the namespace counts as readable: the list itself
    then tells. Raises Aborted; never fails otherwise.
    """
    wanted = tuple(resources)
    asked = tuple(dict.fromkeys(namespaces))[:MAX_ASKED]
    readable: dict[Resource, list[str]] = {resource: [] for resource in wanted}
    named = list(asked[:MAX_FOLLOWED])
    for namespace in asked:
        rules = _rules(transport, namespace, call)
        for rule in rules.resource_rules if rules and rules.resource_rules else ():
            if _grants(rule, "get", "", "namespaces"):
                named += rule.resource_names or ()
        for resource in wanted:
            if len(readable[resource]) == MAX_FOLLOWED:
                continue
            if rules is None or _may_list(transport, rules, resource, namespace, call):
                readable[resource].append(namespace)
    return Found({resource: tuple(held) for resource, held in readable.items()}, tuple(dict.fromkeys(named)))


def _rules(transport: Transport, namespace: str, call: Call) -> _RulesStatus | None:
    try:
        body = transport.review(Review.RULES, {"namespace": namespace}, call)
        return msgspec.json.decode(body, type=_RulesReview).status
    except (RequestFailed, InputError, *NO_JSON):
        return None


def _may_list(transport: Transport, rules: _RulesStatus, resource: Resource, namespace: str, call: Call) -> bool:
    for rule in rules.resource_rules or ():
        if _grants(rule, "list", resource.group, resource.plural) and not rule.resource_names:
            return True
    if not rules.incomplete:
        return False
    # An authorizer that cannot list its rules (a webhook) can still answer about one of them.
    attributes = {"namespace": namespace, "verb": "list", "group": resource.group, "resource": resource.plural}
    try:
        body = transport.review(Review.ACCESS, {"resourceAttributes": attributes}, call)
        return msgspec.json.decode(body, type=_AccessReview).status.allowed
    except (RequestFailed, InputError, *NO_JSON):
        return True


def _grants(rule: _Rule, verb: str, group: str, plural: str) -> bool:
    pairs = ((verb, rule.verbs), (group, rule.api_groups), (plural, rule.resources))
    return all(word in (held or ()) or "*" in (held or ()) for word, held in pairs)


class Search(Worker):
    """One search in a thread of its own; posts what it found."""

    def __init__(
        self,
        transport: Transport,
        resources: Iterable[Resource],
        namespaces: Iterable[str],
        post: Callable[[Found], None],
    ) -> None:
        super().__init__("search-rights")
        self._transport = transport
        self._resources = tuple(resources)
        self._namespaces = tuple(namespaces)
        self._post = post

    def run(self) -> None:
        """Search, and post what was found."""
        self._post(search(self._transport, self._resources, self._namespaces, self.call))
