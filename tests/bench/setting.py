"""What the cases measure on: the clusters, where files may be written, how often to measure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .clusters import Cluster, generate, load


@dataclass(frozen=True)
class Setting:
    """`given` is a JSON List to take for the large cluster; `folder` is empty and ours, `root` the checkout.

    `minutes` is how long what is measured over time is measured.
    """

    root: Path
    folder: Path
    runs: int
    given: Path | None = None
    minutes: float = 1.0

    @cached_property
    def cluster(self) -> Cluster:
        """The large cluster: 200 namespaces, 10,000 pods, 2,000 policies."""
        return load(self.given) if self.given else generate(200, workloads=10, replicas=5, policies=10)

    @cached_property
    def cluster_json(self) -> Path:
        """The large cluster as one JSON List."""
        return self.given or self.cluster.write_json(self.folder / "cluster.json")

    @cached_property
    def manifests(self) -> Cluster:
        """The cluster for YAML: 50 namespaces, 2,000 pods, 500 policies."""
        return generate(50, workloads=8, replicas=5, policies=10)

    @cached_property
    def manifests_yaml(self) -> Path:
        """The cluster for YAML, as YAML."""
        return self.manifests.write_yaml(self.folder / "manifests.yaml")
