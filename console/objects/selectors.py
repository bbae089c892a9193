"""Label selectors as Kubernetes writes them."""

from __future__ import annotations

import msgspec

from console.objects.shapes import prepare

#: Operators of a label selector requirement (apimachinery ``metav1.LabelSelectorOperator``).
OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


class Requirement(msgspec.Struct, frozen=True, rename="camel"):
    """One entry of ``matchExpressions``."""

    key: str
    operator: str
    values: list[str] | None = None


class LabelSelector(msgspec.Struct, frozen=True, rename="camel"):
    """``metav1.LabelSelector``: all of ``matchLabels`` and ``matchExpressions`` must hold; empty selects all."""

    match_labels: dict[str, str] | None = None
    match_expressions: list[Requirement] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the selector has no requirement at all, and so selects everything."""
        return not self.match_labels and not self.match_expressions


prepare(LabelSelector)
