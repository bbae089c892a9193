"""``:sim`` with a port written beside the destination, as users copy it."""

from __future__ import annotations

from console.cluster.source import State
from tests.clusters import namespace, pod, policy, snapshot

from .driver import console
from .sources import Scripted

SHOP = snapshot(
    namespace("shop")
    + pod("shop", "web", "10.0.0.1", app="web")
    + pod("shop", "db", "10.0.0.2", app="db", ports=[{"name": "sql", "containerPort": 5432}])
    + policy("shop", "sql", "{podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 5432}]}]}")
)


async def test_the_port_may_stand_with_the_destination() -> None:
    scripted = Scripted()
    async with console(scripted) as user:
        await user.until(lambda: scripted.opened)
        scripted.say(State.LIVE, SHOP)
        await user.command("sim shop/web shop/db:5432")
        await user.see("● ALLOWED")
        assert user.app.session.question.destination == "shop/db"
        await user.command("sim shop/web shop/db:22")
        await user.see("○ BLOCKED")
