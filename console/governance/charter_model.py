"""A charter as it is written: the shape of its YAML, from which its JSON schema is made.

What the words in it mean (`role:training on 443`) is told in `charter_terms`, what of it
does not fit together in `charter_check`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

#: One term or several: ``role:training``, ``internet on 443/TCP``.
Terms = str | list[str]
SeverityWord = Literal["critical", "high", "medium", "low", "info"]


class _Part(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """A part of a charter: a key it does not know is an error, for it would say something that nobody checks."""


class Requirement(_Part, frozen=True):
    """One entry of ``matchExpressions``, as Kubernetes writes it."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: list[str] = []


class Selector(_Part, frozen=True):
    """A label selector, as Kubernetes writes it."""

    match_labels: dict[str, str] = {}
    match_expressions: list[Requirement] = []


class Selection(_Part, frozen=True):
    """Workloads: all that is said must hold. Several selections in a list add up."""

    namespaces: Annotated[list[str], Meta(description="namespaces by name")] = []
    namespace_selector: Selector | None = None
    pod_selector: Selector | None = None
    names: Annotated[list[str], Meta(description="NAMESPACE/KIND/NAME")] = []
    roles: Annotated[list[str], Meta(description="what is of these roles")] = []
    domains: Annotated[list[str], Meta(description="what is of these domains of the charter")] = []


class OutsideGroup(_Part, frozen=True):
    """Places outside the cluster. No NetworkPolicy can tell host names apart: see `hosts`."""

    cidrs: list[str] = []
    hosts: Annotated[list[str], Meta(description="judged as the internet: closed, open, or unknown")] = []
    include: Annotated[list[str], Meta(description="other groups that belong to it")] = []
    about: str = ""


class Keys(_Part, frozen=True):
    """Label keys that say what a workload is, beside the console's own."""

    role: list[str] = []
    domain: list[str] = []


class RuleText(_Part, frozen=True):
    """A rule. It is about `from` (what that reaches) or about `to` (what reaches that), and says one thing of it.

    ``never``: none of these. ``only``: nothing but these (the other end's own kind and DNS
    aside). ``must``: all of these.
    """

    name: str
    from_: Terms | None = msgspec.field(name="from", default=None)
    to: Terms | None = None
    never: Terms | None = None
    only: Terms | None = None
    must: Terms | None = None
    among: Annotated[Terms | None, Meta(description="with only: of which others it is said (default: all)")] = None
    ports: Annotated[str | int | list[str | int], Meta(description="443, 443/TCP, 8000-8080, or a name")] = []
    through: Literal["any chain", ""] = ""
    severity: SeverityWord = "high"
    controls: Annotated[list[str], Meta(description="what it is evidence toward: FRAMEWORK: ID")] = []
    why: str = ""


class BaselineRule(_Part, frozen=True):
    """One of the baseline's rules: where it holds."""

    in_: Terms = msgspec.field(name="in", default="any")
    except_: Terms = msgspec.field(name="except", default=[])
    severity: SeverityWord = "high"
    controls: list[str] = []


class Baseline(_Part, frozen=True, rename="kebab"):
    """What holds for every workload before any rule is asked. A rule that is not written is not judged."""

    deny_ingress: Annotated[BaselineRule | None, Meta(description="nothing gets in unless a policy lets it")] = None
    deny_egress: Annotated[BaselineRule | None, Meta(description="nothing gets out unless a policy lets it")] = None
    dns: Annotated[BaselineRule | None, Meta(description="what may open connections can look names up")] = None
    metadata: Annotated[BaselineRule | None, Meta(description="the cloud's metadata address is closed")] = None
    policies_select: Annotated[BaselineRule | None, Meta(description="no policy selects nothing")] = None
    replicas_alike: Annotated[BaselineRule | None, Meta(description="all pods of a workload have the same paths")] = (
        None
    )
    services_reachable: Annotated[BaselineRule | None, Meta(description="something reaches every Service")] = None


class ExceptionText(_Part, frozen=True):
    """What is let pass a rule, by whom, why, and until when. `from` and `to` narrow it."""

    rule: str
    owner: str
    reason: str
    until: Annotated[str, Meta(description="the last day, YYYY-MM-DD")]
    from_: Terms | None = msgspec.field(name="from", default=None)
    to: Terms | None = None


class Example(_Part, frozen=True):
    """A path and the rules it breaks: `open` ones where it is open, `blocked` ones where it is not."""

    open: Annotated[
        str | None,
        Meta(description="FROM -> TO on PORT; an end may be several things at once: role:serving + domain:prod-model"),
    ] = None
    blocked: Annotated[str | None, Meta(description="FROM -> TO on PORT")] = None
    breaks: str | list[str] = []


class CharterText(_Part, frozen=True):
    """A charter: what an AI platform's traffic is held to."""

    charter: Annotated[str, Meta(description="what it is called")]
    labels: Keys = Keys()
    roles: dict[str, list[Selection]] = {}
    domains: dict[str, list[Selection]] = {}
    outside: dict[str, OutsideGroup] = {}
    baseline: Baseline = Baseline()
    rules: list[RuleText] = []
    exceptions: list[ExceptionText] = []
    examples: list[Example] = []


def schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of a charter."""
    found = msgspec.json.schema(CharterText)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A netpol-console charter", **found}
