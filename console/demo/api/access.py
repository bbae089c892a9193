"""Who may do what: rights as RBAC grants them, and refusals laid on top for tests."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

from console.demo.api.kinds import Kind

#: The user behind the server's token.
DEFAULT_USER: Final = "demo"


@dataclass(frozen=True, slots=True)
class User:
    """Who asks. Impersonation replaces both fields."""

    name: str
    groups: tuple[str, ...] = ("system:authenticated",)


@dataclass(frozen=True, slots=True)
class Rule:
    """A grant. ``*`` stands for all. `namespaces` None is a grant for the whole cluster (a ClusterRoleBinding)."""

    verbs: tuple[str, ...] = ("get", "list", "watch")
    resources: tuple[str, ...] = ("*",)
    groups: tuple[str, ...] = ("*",)
    namespaces: tuple[str, ...] | None = None

    def covers(self, verb: str, group: str, resource: str, namespace: str) -> bool:
        """Whether the grant is wide enough; namespace ``""`` is the whole cluster."""
        return (
            _within(verb, self.verbs)
            and _within(group, self.groups)
            and _within(resource, self.resources)
            and (self.namespaces is None or namespace in self.namespaces)
        )


class Access:
    """The rights of users. Thread-safe.

    The user of the token reads everything and may impersonate; anybody else has no
    right until one is granted. Everyone may ask what they may do.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._grants: dict[str, tuple[Rule, ...]] = {DEFAULT_USER: (Rule(("get", "list", "watch", "impersonate")),)}
        self._refusals: list[tuple[str, str, str]] = []

    def grant(self, subject: str, *rules: Rule) -> None:
        """Make `rules` all the rights of a user, or of a group (``group:NAME``)."""
        with self._lock:
            self._grants[subject] = rules

    def refuse(self, *, verb: str = "*", resource: str = "*", namespace: str = "*") -> None:
        """Refuse what would be granted, until `relent`. Namespace ``""`` is the request for the whole cluster."""
        with self._lock:
            self._refusals.append((verb, resource, namespace))

    def relent(self) -> None:
        """Drop every refusal."""
        with self._lock:
            self._refusals.clear()

    def allowed(self, user: User, verb: str, group: str, resource: str, namespace: str) -> bool:
        """Whether `user` may; namespace ``""`` asks for the whole cluster."""
        wanted = (verb, resource, namespace)
        with self._lock:
            if any(
                all(held in ("*", got) for held, got in zip(refusal, wanted, strict=True)) for refusal in self._refusals
            ):
                return False
            subjects = (user.name, *(f"group:{name}" for name in user.groups))
            rules = [rule for subject in subjects for rule in self._grants.get(subject, ())]
        return any(rule.covers(verb, group, resource, namespace) for rule in rules)

    def rules_in(self, user: User, namespace: str, kinds: tuple[Kind, ...]) -> list[dict[str, list[str]]]:
        """What a SelfSubjectRulesReview tells: the verbs allowed in a namespace, kind by kind."""
        found = []
        for kind in kinds:
            scope = namespace if kind.namespaced else ""
            verbs = [
                verb for verb in ("get", "list", "watch") if self.allowed(user, verb, kind.group, kind.plural, scope)
            ]
            if verbs:
                found.append({"verbs": verbs, "apiGroups": [kind.group], "resources": [kind.plural]})
        return found


def _within(value: str, held: tuple[str, ...]) -> bool:
    return "*" in held or value in held
