"""What Kubernetes' controllers leave behind for an application: its objects, its pods, their owners and marks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from console.demo.marks import Raw, managed, number, owner, stamp, suffix, uid
from console.demo.pods import PodMaker
from console.demo.spec import App


class Controllers:
    """Expands applications into the objects a cluster would hold. `now` is seconds since the epoch."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._pods = PodMaker(now)

    def expand(self, app: App) -> Iterator[Raw]:
        """Every object of an application but its Services: the owners first, then the pods."""
        yield from _EXPANDERS[app.kind](self, app)

    def object(
        self,
        app: App,
        api_version: str,
        kind: str,
        name: str,
        spec: Raw,
        *,
        by: Raw | None = None,
        labels: Mapping[str, str] | None = None,
        manager: str = "",
    ) -> Raw:
        """An object of an application, owned by another one where `by` says so."""
        created = stamp(self._now - app.age * 3600)
        metadata: Raw = {
            "name": name,
            "namespace": app.namespace,
            "uid": uid(kind, app.namespace, name),
            "generation": 1,
            "creationTimestamp": created,
            "labels": dict(labels if labels is not None else app.labels),
        }
        if by is not None:
            metadata["ownerReferences"] = [owner(by)]
        metadata["managedFields"] = managed(manager or app.manager, api_version, created)
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}

    def pod(self, app: App, index: int, name: str, labels: Mapping[str, str], by: Raw | None, image: str = "") -> Raw:
        """One pod of an application."""
        return self._pods.make(
            app,
            index,
            name=name,
            labels={**app.labels, **labels},
            owner=None if by is None else owner(by),
            image=image or app.image,
        )

    def deployment(self, app: App) -> Iterator[Raw]:
        """A Deployment, its ReplicaSet and pods, and those of its canary."""
        total = app.replicas + (app.canary.replicas if app.canary else 0)
        spec = {**_templated(app), "replicas": total, "strategy": {"type": "RollingUpdate"}}
        deployment = self.object(app, "apps/v1", "Deployment", app.name, spec)
        yield deployment
        yield from self._replica_set(app, deployment, app.image, {}, app.replicas, first=0)
        if app.canary:
            canary = app.canary
            yield from self._replica_set(
                app, deployment, canary.image, canary.labels, canary.replicas, first=app.replicas
            )

    def _replica_set(
        self, app: App, by: Raw, image: str, labels: Mapping[str, str], replicas: int, *, first: int
    ) -> Iterator[Raw]:
        hashed = suffix(10, app.namespace, app.name, image)
        worn = {**app.labels, **labels, "pod-template-hash": hashed}
        name = f"{app.name}-{hashed}"
        spec = {"replicas": replicas, "selector": {"matchLabels": worn}, **_template(app, worn, image)}
        manager = "kube-controller-manager"
        replica_set = self.object(app, "apps/v1", "ReplicaSet", name, spec, by=by, labels=worn, manager=manager)
        yield replica_set
        for index in range(first, first + replicas):
            yield self.pod(app, index, f"{name}-{suffix(5, name, index)}", worn, replica_set, image)

    def stateful_set(self, app: App) -> Iterator[Raw]:
        """A StatefulSet and its numbered pods."""
        spec = {**_templated(app), "replicas": app.replicas, "serviceName": app.name}
        stateful_set = self.object(app, "apps/v1", "StatefulSet", app.name, spec)
        yield stateful_set
        revision = f"{app.name}-{suffix(10, app.name, app.image)}"
        for index in range(app.replicas):
            name = f"{app.name}-{index}"
            marks = {
                "apps.kubernetes.io/pod-index": str(index),
                "controller-revision-hash": revision,
                "statefulset.kubernetes.io/pod-name": name,
            }
            yield self.pod(app, index, name, marks, stateful_set)

    def daemon_set(self, app: App) -> Iterator[Raw]:
        """A DaemonSet and its pod on each node."""
        daemon_set = self.object(app, "apps/v1", "DaemonSet", app.name, _templated(app))
        yield daemon_set
        marks = {"controller-revision-hash": suffix(10, app.name, app.image), "pod-template-generation": "1"}
        for index in range(len(app.nodes)):
            yield self.pod(app, index, f"{app.name}-{suffix(5, app.name, index)}", marks, daemon_set)

    def job(self, app: App) -> Iterator[Raw]:
        """A Job and its pods."""
        job = self.object(app, "batch/v1", "Job", app.name, _job_spec(app, app.replicas))
        yield job
        yield from self._job_pods(app, job, range(app.replicas))

    def _job_pods(self, app: App, job: Raw, indexes: range) -> Iterator[Raw]:
        name = job["metadata"]["name"]
        marks = {"batch.kubernetes.io/job-name": name, "job-name": name}
        marks["batch.kubernetes.io/controller-uid"] = job["metadata"]["uid"]
        for index in indexes:
            yield self.pod(app, index, f"{name}-{suffix(5, name, index)}", marks, job)

    def cron_job(self, app: App) -> Iterator[Raw]:
        """A CronJob, the Jobs of its latest runs, and a pod of each."""
        spec = {"schedule": "30 2 * * *", "jobTemplate": {"spec": _job_spec(app, 1)}}
        cron_job = self.object(app, "batch/v1", "CronJob", app.name, spec)
        yield cron_job
        for index in range(app.replicas):
            # The controller names Jobs by the scheduled minute; these count days, so that runs are alike.
            name = f"{app.name}-{29_360_310 + 1440 * index}"
            job = self.object(app, "batch/v1", "Job", name, _job_spec(app, 1), by=cron_job)
            yield job
            yield from self._job_pods(app, job, range(index, index + 1))

    def pytorch_job(self, app: App) -> Iterator[Raw]:
        """A PyTorchJob, its master and its workers, as the training operator names and labels them."""
        counts = {"Master": 1, "Worker": app.replicas - 1}
        spec = {"pytorchReplicaSpecs": {kind: {"replicas": n, **_template(app)} for kind, n in counts.items()}}
        job = self.object(app, "kubeflow.org/v1", "PyTorchJob", app.name, spec)
        yield job
        for index in range(app.replicas):
            kind, number = ("master", 0) if index == 0 else ("worker", index - 1)
            marks = {
                "training.kubeflow.org/job-name": app.name,
                "training.kubeflow.org/operator-name": "pytorchjob-controller",
                "training.kubeflow.org/replica-index": str(number),
                "training.kubeflow.org/replica-type": kind,
            }
            if kind == "master":
                marks["training.kubeflow.org/job-role"] = "master"
            yield self.pod(app, index, f"{app.name}-{kind}-{number}", marks, job)

    def ray_cluster(self, app: App) -> Iterator[Raw]:
        """A RayCluster, its head and its workers, as KubeRay names and labels them."""
        spec = {
            "rayVersion": "2.49.0",
            "headGroupSpec": _template(app),
            "workerGroupSpecs": [{"groupName": "gpu-group", "replicas": app.replicas - 1, **_template(app)}],
        }
        cluster = self.object(app, "ray.io/v1", "RayCluster", app.name, spec)
        yield cluster
        for index in range(app.replicas):
            kind, group = ("head", "headgroup") if index == 0 else ("worker", "gpu-group")
            name = f"{app.name}-head" if index == 0 else f"{app.name}-gpu-group-worker-{suffix(5, app.name, index)}"
            marks = {
                "app.kubernetes.io/created-by": "kuberay-operator",
                "ray.io/cluster": app.name,
                "ray.io/group": group,
                "ray.io/identifier": f"{app.name}-{kind}",
                "ray.io/is-ray-node": "yes",
                "ray.io/node-type": kind,
            }
            yield self.pod(app, index, name, marks, cluster)

    def job_set(self, app: App) -> Iterator[Raw]:
        """A JobSet of one replicated Job, as Kubeflow Trainer makes them, and its pods."""
        replicated = [{"name": "node", "replicas": 1, "template": {"spec": _job_spec(app, app.replicas)}}]
        job_set = self.object(app, "jobset.x-k8s.io/v1alpha2", "JobSet", app.name, {"replicatedJobs": replicated})
        yield job_set
        marks = {
            "jobset.sigs.k8s.io/jobset-name": app.name,
            "jobset.sigs.k8s.io/replicatedjob-name": "node",
            "jobset.sigs.k8s.io/job-index": "0",
        }
        name = f"{app.name}-node-0"
        job = self.object(app, "batch/v1", "Job", name, _job_spec(app, app.replicas), by=job_set, labels=marks)
        yield job
        for index in range(app.replicas):
            completion = {**marks, "batch.kubernetes.io/job-completion-index": str(index), "job-name": name}
            yield self.pod(app, index, f"{name}-{index}-{suffix(5, name, index)}", completion, job)

    def workflow(self, app: App) -> Iterator[Raw]:
        """An Argo Workflow and the pods of its steps, of which the last one still runs."""
        workflow = self.object(app, "argoproj.io/v1alpha1", "Workflow", app.name, {"entrypoint": "main"})
        yield workflow
        for index in range(app.replicas):
            done = index < app.replicas - 1
            marks = {
                "workflows.argoproj.io/workflow": app.name,
                "workflows.argoproj.io/completed": str(done).lower(),
            }
            name = f"{app.name}-step-{number(app.name, index)}"
            yield self._pods.make(
                app,
                index,
                name=name,
                labels={**app.labels, **marks},
                owner=owner(workflow),
                image=app.image,
                finished=done,
            )

    def bare(self, app: App) -> Iterator[Raw]:
        """A pod that nobody owns."""
        yield self.pod(app, 0, app.name, {}, None)


def _template(app: App, labels: Mapping[str, str] | None = None, image: str = "", **spec: str) -> Raw:
    container: Raw = {"name": app.name, "image": image or app.image}
    metadata = {"labels": dict(labels if labels is not None else app.labels)}
    return {"template": {"metadata": metadata, "spec": {"containers": [container], **spec}}}


def _templated(app: App) -> Raw:
    return {"selector": {"matchLabels": dict(app.labels)}, **_template(app)}


def _job_spec(app: App, completions: int) -> Raw:
    # The API server takes no Job whose pods would be started again and again.
    template = _template(app, restartPolicy="Never")
    return {"completions": completions, "parallelism": completions, "backoffLimit": 2, **template}


_EXPANDERS: Final[Mapping[str, Callable[[Controllers, App], Iterator[Raw]]]] = MappingProxyType(
    {
        "Deployment": Controllers.deployment,
        "StatefulSet": Controllers.stateful_set,
        "DaemonSet": Controllers.daemon_set,
        "Job": Controllers.job,
        "CronJob": Controllers.cron_job,
        "PyTorchJob": Controllers.pytorch_job,
        "RayCluster": Controllers.ray_cluster,
        "JobSet": Controllers.job_set,
        "Workflow": Controllers.workflow,
        "Pod": Controllers.bare,
    }
)
