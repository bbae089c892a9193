"""What could not be read, and so what cannot be known."""

from __future__ import annotations

import msgspec

from console.objects.meta import ObjectRef
from console.objects.selectors import LabelSelector

#: A resource (or part of one) that may not be read: 401, 403, 404, or not tried.
NOT_READABLE = "NOT_READABLE"
#: A first list has not finished yet.
LOADING = "LOADING"
#: An object of a policy kind that is not evaluated.
POLICY_KIND_NOT_MODELLED = "POLICY_KIND_NOT_MODELLED"
#: A policy the API server would refuse, or one that could not be decoded.
INVALID_POLICY = "INVALID_POLICY"
#: A document that could not be parsed at all: it may hold any object.
UNPARSED = "UNPARSED"


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not known.

    `resource` is the Resource's `full_name` (``networkpolicies``, ``pods``, …), ``*`` for
    a document that may hold anything. `namespace` None means cluster-wide, but for the
    namespaces in `besides`, which could be read. The selectors narrow a missing *policy*
    to what it may select (None: anything in its scope). `why` is one sentence without
    its full stop.
    """

    code: str
    resource: str
    why: str
    namespace: str | None = None
    namespace_selector: LabelSelector | None = None
    pod_selector: LabelSelector | None = None
    ref: ObjectRef | None = None
    besides: tuple[str, ...] = ()

    def covers(self, namespace: str) -> bool:
        """Whether the gap concerns a namespace."""
        return namespace not in self.besides if self.namespace is None else namespace == self.namespace


class Coverage(msgspec.Struct, frozen=True):
    """All the gaps of a snapshot; empty when everything asked for was read."""

    gaps: tuple[Gap, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return not self.gaps

    def of(self, resource: str, namespace: str | None = None) -> tuple[Gap, ...]:
        """The gaps that concern a resource in a namespace (None: anywhere), cluster-wide ones included."""
        return tuple(
            gap for gap in self.gaps if gap.resource in (resource, "*") and (namespace is None or gap.covers(namespace))
        )
