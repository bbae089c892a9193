"""Notebooks: JupyterHub, its proxy, and the servers of three users."""

from __future__ import annotations

from console.demo.spec import L4_NODES, NAME, NODES, App, Svc

_HUB = {"app": "jupyterhub", NAME: "jupyterhub", "release": "jupyterhub"}


def _notebook(user: str, age: int) -> App:
    return App(
        namespace="notebooks",
        name=f"jupyter-{user}",
        kind="Pod",
        image="quay.io/jupyter/pytorch-notebook:cuda12-2025-09-08",
        labels={
            **_HUB,
            "component": "singleuser-server",
            "hub.jupyter.org/username": user,
            "hub.jupyter.org/network-access-hub": "true",
        },
        ports=(("notebook-port", 8888),),
        nodes=L4_NODES,
        age=age,
        manager="OpenAPI-Generator",  # what KubeSpawner's client calls itself
    )


NOTEBOOKS = (
    App(
        namespace="notebooks",
        name="hub",
        kind="Deployment",
        image="quay.io/jupyterhub/k8s-hub:4.2.0",
        labels={
            **_HUB,
            "component": "hub",
            "hub.jupyter.org/network-access-proxy-api": "true",
            "hub.jupyter.org/network-access-proxy-http": "true",
            "hub.jupyter.org/network-access-singleuser": "true",
        },
        ports=(("http", 8081),),
        service_account="hub",
        manager="helm",
        services=(Svc(name="hub", selector={**_HUB, "component": "hub"}, ports=(("hub", 8081, "http"),)),),
    ),
    App(
        namespace="notebooks",
        name="proxy",
        kind="Deployment",
        image="quay.io/jupyterhub/configurable-http-proxy:4.6.3",
        labels={
            **_HUB,
            "component": "proxy",
            "hub.jupyter.org/network-access-hub": "true",
            "hub.jupyter.org/network-access-singleuser": "true",
        },
        ports=(("http", 8000), ("api", 8001)),
        manager="helm",
        services=(
            Svc(name="proxy-api", selector={**_HUB, "component": "proxy"}, ports=(("api", 8001, "api"),)),
            Svc(name="proxy-public", selector={**_HUB, "component": "proxy"}, ports=(("http", 80, "http"),)),
        ),
    ),
    _notebook("ana", 6),
    _notebook("bruno", 29),
    _notebook("chen", 3),
    App(
        namespace="notebooks",
        name="continuous-image-puller",
        kind="DaemonSet",
        nodes=NODES,
        image="registry.k8s.io/pause:3.10",
        labels={**_HUB, "component": "continuous-image-puller"},
        manager="helm",
    ),
)
