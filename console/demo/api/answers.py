"""What the API server answers to everything but a watch that it does not refuse: documents, lists, objects, reviews."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from console.demo.api.access import Access, User
from console.demo.api.encoding import ContinueToken, list_body
from console.demo.api.kinds import REVIEW_GROUP, Kind
from console.demo.api.refusals import Answer, Refusal, failure, invalid_option, missing
from console.demo.api.routes import Route
from console.demo.store import Compacted, Store
from console.objects.shapes import NO_JSON

#: What the demo says it is.
VERSION = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0-demo",
    "gitTreeState": "clean",
    "platform": "linux/amd64",
}
_REVIEWS = {
    "selfsubjectaccessreviews": "SelfSubjectAccessReview",
    "selfsubjectrulesreviews": "SelfSubjectRulesReview",
}


def document(route: Route, kinds: tuple[Kind, ...]) -> Answer:
    """``/version``, health, and the discovery documents. Raises Refusal (404) where there is no such one."""
    match route.parts:
        case ("version",):
            return _json(VERSION)
        case ("healthz",) | ("livez",) | ("readyz",):
            return Answer(200, b"ok", "text/plain; charset=utf-8")
        case ("api",):
            return _json({"kind": "APIVersions", "versions": ["v1"]})
        case ("api", "v1"):
            return _json(_resources("", "v1", kinds))
        case ("apis",):
            return _json({"kind": "APIGroupList", "apiVersion": "v1", "groups": _groups(kinds)})
        case ("apis", group):
            for held in _groups(kinds):
                if held["name"] == group:
                    return _json({"kind": "APIGroup", "apiVersion": "v1", **held})
        case ("apis", group, version):
            found = _resources(group, version, kinds)
            if found["resources"]:
                return _json(found)
    raise missing(route)


def _groups(kinds: tuple[Kind, ...]) -> list[dict[str, Any]]:
    held: dict[str, list[str]] = {}
    for group, version in [*((kind.group, kind.version) for kind in kinds if kind.group), REVIEW_GROUP]:
        versions = held.setdefault(group, [])
        if version not in versions:
            versions.append(version)
    groups = []
    for group, versions in sorted(held.items()):
        entries = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
        groups.append({"name": group, "versions": entries, "preferredVersion": entries[0]})
    return groups


def _resources(group: str, version: str, kinds: tuple[Kind, ...]) -> dict[str, Any]:
    entries = [kind.entry() for kind in kinds if (kind.group, kind.version) == (group, version)]
    if (group, version) == REVIEW_GROUP:
        entries = [
            {"name": plural, "singularName": word.lower(), "namespaced": False, "kind": word, "verbs": ["create"]}
            for plural, word in _REVIEWS.items()
        ]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{group}/{version}" if group else version,
        "resources": entries,
    }


def listing(route: Route, kind: Kind, store: Store, *, partial: bool) -> Answer:
    """A LIST: whole, or a page of it that shows the moment its first page was made.

    Raises Refusal where its parameters are wrong (400, 422) or the moment is gone (410) or to come (504).
    """
    limit = _number(route, "limit")
    wanted = route.query.get("resourceVersion", "")
    match = route.query.get("resourceVersionMatch", "")
    if match and not wanted:
        why = "resourceVersionMatch is forbidden unless resourceVersion is provided"
        raise invalid_option("resourceVersionMatch", why)
    after, at = ("", ""), None
    if token_text := route.query.get("continue"):
        if wanted:
            raise Refusal(400, "BadRequest", "specifying resource version is not allowed when using continue")
        try:
            token = ContinueToken.decode(token_text)
        except ValueError as error:
            raise Refusal(400, "BadRequest", f"continue key is not valid: {error}") from error
        after, at = token.after, None if token.rv < 0 else token.rv
    elif wanted not in ("", "0"):
        version = _number(route, "resourceVersion")
        not_newer(version, store)
        at = version if match == "Exact" else None
    elif wanted == "0":
        limit = 0  # from the watch cache, which does not page
    try:
        items, moment = store.view(kind, at)
    except Compacted as error:
        raise _expired(after) from error
    if route.namespace:
        items = tuple(obj for obj in items if obj.namespace == route.namespace)
    if after != ("", ""):
        items = tuple(obj for obj in items if (obj.namespace, obj.name) > after)
    metadata: dict[str, Any] = {"resourceVersion": str(moment)}
    if kind.custom and not partial:
        metadata["continue"] = ""  # custom resources are lists of no Go type, which would leave it out
    if limit and len(items) > limit:
        last = items[limit - 1]
        metadata["continue"] = ContinueToken(moment, (last.namespace, last.name)).encode()
        metadata["remainingItemCount"] = len(items) - limit
        items = items[:limit]
    return Answer(200, list_body(kind, items, metadata, partial=partial))


def _expired(after: tuple[str, str]) -> Refusal:
    if after == ("", ""):
        return failure(410)
    return Refusal(
        410,
        "Expired",
        "The provided continue parameter is too old to display a consistent list result. You can start a new list "
        "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
        "results. Continuing with the provided token results in an inconsistent list - objects that were created, "
        "modified, or deleted between the time the first chunk was returned and now may show up in the list.",
        metadata={"continue": ContinueToken(-1, after).encode()},
    )


def not_newer(version: int, store: Store) -> None:
    """Raise Refusal (504) for a version of the future, as kube-apiserver does after waiting for it in vain."""
    if version > store.version:
        raise Refusal(
            504,
            "Timeout",
            f"Timeout: Too large resource version: {version}, current: {store.version}",
            causes=[{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            retryAfterSeconds=1,
        )


def _number(route: Route, name: str) -> int:
    try:
        return route.number(name, 0)
    except ValueError as error:
        raise Refusal(400, "BadRequest", f"invalid {name}: {route.query.get(name)!r}") from error


def one(route: Route, kind: Kind, store: Store, *, partial: bool) -> Answer:
    """A GET of one object. Raises Refusal (404) where there is none."""
    stored = store.find(kind, route.namespace, route.name)
    if stored is None:
        raise Refusal(
            404,
            "NotFound",
            f'{kind.grouped_name} "{route.name}" not found',
            name=route.name,
            group=kind.group,
            kind=kind.plural,
        )
    return Answer(200, stored.partial() if partial else stored.full())


def review(route: Route, body: bytes, user: User, access: Access, kinds: tuple[Kind, ...]) -> Answer | None:
    """The create of a self-review; None where the request is no such thing. Raises Refusal (400, 422)."""
    word = _REVIEWS.get(route.resource)
    if word is None or route.verb != "create" or (route.group, route.version) != REVIEW_GROUP:
        return None
    try:
        asked: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
    except NO_JSON as error:
        raise Refusal(400, "BadRequest", f"the object provided is unrecognized: {error}") from error
    spec = asked.get("spec") or {}
    if not isinstance(spec, dict):
        raise Refusal(400, "BadRequest", "the object provided is unrecognized: spec is no object")
    if word == "SelfSubjectAccessReview":
        wanted = spec.get("resourceAttributes")
        if not isinstance(wanted, dict):
            raise Refusal(422, "Invalid", f"{word} is invalid: spec.resourceAttributes: Required value")
        may = access.allowed(
            user,
            *(str(wanted.get(name) or "") for name in ("verb", "group", "resource", "namespace")),
        )
        status_: dict[str, Any] = {"allowed": may}
    else:
        namespace = spec.get("namespace")
        if not namespace:
            raise Refusal(400, "BadRequest", "no namespace on request")
        rules = access.rules_in(user, str(namespace), kinds)
        status_ = {"resourceRules": rules, "nonResourceRules": [], "incomplete": False}
    reviewed = {"kind": word, "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": spec, "status": status_}
    return Answer(201, msgspec.json.encode(reviewed))


def _json(value: Any) -> Answer:
    return Answer(200, msgspec.json.encode(value))


def negotiate(accept: str, *, single: bool) -> bool:
    """Whether metadata alone is wanted. Raises Refusal (406) where nothing the client takes is served.

    `single`: the answer holds single objects (a GET, a watch); a list wants the other word.
    """
    word = "PartialObjectMetadata" if single else "PartialObjectMetadataList"
    for media in _medias(accept):
        kind, parameters = media
        if kind not in ("application/json", "application/*", "*/*"):
            continue
        asked = parameters.get("as", "")
        if not asked:
            return False
        if asked == word and parameters.get("g") == "meta.k8s.io" and parameters.get("v") == "v1":
            return True
    raise Refusal(
        406, "NotAcceptable", "only the following media types are accepted: application/json", name=accept[:200]
    )


def _medias(accept: str) -> Iterable[tuple[str, dict[str, str]]]:
    for part in (accept or "*/*").split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        yield kind, dict(parameter.partition("=")[::2] for parameter in parameters)
