from __future__ import annotations

import pytest
from textual.widgets import Input

from console.cluster.source import State
from console.errors import InputError
from console.settings import Settings, parse
from console.tui import keys
from console.tui.app import ConsoleApp
from console.tui.screens.main import MAIN
from console.tui.screens.text import TextScreen
from console.tui.widgets.chrome import Tab

from .conftest import Still
from .driver import Driver, console
from .sources import Scripted
from .test_simulate import FEAST, TRAINER, answer, ask
from .test_states import SMALL


def active(user: Driver) -> dict[str, object]:
    """The bindings that would act now, by id."""
    return {each.binding.id or each.binding.action: each.binding for each in user.app.screen.active_bindings.values()}


async def help_text(user: Driver) -> str:
    await user.press("question_mark")
    await user.until(lambda: isinstance(user.app.screen, TextScreen), "help")
    text = user.app.screen.query_one("#text").text  # type: ignore[attr-defined]
    await user.press("escape")
    await user.until(lambda: not isinstance(user.app.screen, TextScreen), "closed")
    return str(text)


async def test_help_lists_every_key_that_acts_in_any_pane_of_either_screen(still: Still) -> None:
    async with console(still) as user:
        await ask(user, TRAINER, "internet", "443")
        for screen in ("1", "2"):
            await user.press(screen)
            await user.pilot.pause()
            found: set[str] = set()
            base = user.app.base
            assert base is not None
            for pane in base.panes():
                base.go_to_pane(pane)
                await user.pilot.pause()
                found |= active(user).keys()
            listed = await help_text(user)
            # The palette's key is Textual's own and carries no id; help lists ours for the same.
            missing = {each for each in found - {"command_palette"} if each not in listed}
            assert not missing
            assert len(found) > 20


async def test_every_key_has_an_id_of_its_own_and_says_what_it_does() -> None:
    ids = [key.id for key in keys.ALL]
    assert len(ids) == len(set(ids))
    assert all(key.tooltip and key.label for key in keys.ALL)


async def test_a_key_can_be_given_to_another_by_its_id(still: Still) -> None:
    settings = parse('[keys]\n"simulate.swap" = "w"\n', "config.toml")
    async with console(still, settings=settings) as user:
        await ask(user, TRAINER, FEAST, "6566")
        await user.see("w swap")
        await user.press("w")
        await user.until(lambda: user.app.session.question.source == FEAST)
        assert "w              Ask for the other way round" in await help_text(user)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('theme = "netpol-nigth"', "config.toml:1: there is no theme 'netpol-nigth'"),
        ('\n[keys]\n"simulate.swop" = "w"', "config.toml:3: there is no key called 'simulate.swop'"),
    ],
)
def test_a_setting_that_names_nothing_is_told_with_its_line(text: str, told: str) -> None:
    with pytest.raises(InputError) as error:
        ConsoleApp(Scripted(), settings=parse(text, "config.toml"))
    assert error.value.message == told
    assert "simulate.swap" in error.value.hint or "netpol-night" in error.value.hint


async def test_the_console_begins_in_the_namespace_of_the_settings(still: Still) -> None:
    async with console(still, settings=Settings(namespace="gateway")) as user:
        await user.live()
        await user.see("Workloads · gateway", "demo › gateway")


async def test_a_namespace_of_the_settings_that_is_not_there_is_told(still: Still) -> None:
    async with console(still, settings=Settings(namespace="gatway")) as user:
        await user.live()
        await user.until(lambda: "There is no namespace 'gatway'" in user.notices)
        await user.see("Workloads · all namespaces")


async def test_commands_go_where_they_say(still: Still) -> None:
    places = {
        "ns training": ["Workloads · training", "llm-finetune"],
        "netpol": ["Policies · training", "INGRESS"],
        "ns all": ["Policies · all namespaces"],
        "pod": ["Pods · all namespaces", "STATUS"],
        "sim": ["Choose a source"],
        "workloads": ["Workloads · all namespaces"],
        "notices": ["What to know about what is shown"],
    }
    async with console(still) as user:
        await user.live()
        for command, seen in places.items():
            await user.command(command)
            await user.see(*seen)
        await user.press("escape")
        await user.command("help")
        await user.see("This screen")


async def test_a_command_that_is_none_names_the_nearest_and_stays_to_be_mended() -> None:
    async with console(Scripted(), size=(140, 30)) as user:
        await user.command("netpl")
        await user.see("there is no command :netpl: did you mean :netpol?")
        await user.press("escape")
        await user.command("ns a b")
        await user.see(":ns takes [name]")
        assert user.focused == "typed"
        await user.press("escape")
        assert user.focused == "listing"


async def test_a_namespace_that_is_not_there_is_told_with_the_nearest(still: Still) -> None:
    async with console(still) as user:
        await user.live()
        await user.command("ns trainin")
        await user.until(lambda: "There is no namespace 'trainin'. did you mean training?" in user.notices)


async def test_tab_completes_commands_and_their_words(still: Still) -> None:
    async with console(still) as user:
        await user.live()
        await user.press("colon")
        typed = user.app.screen.query_one("#typed", Input)
        for text, completed in (
            ("net", "netpol"),
            ("ns fea", "ns feature-store"),
            ("sim training/pyt", f"sim {TRAINER}"),
        ):
            typed.value = ""
            await user.paste(text)
            await user.press("tab")
            await user.until(lambda wanted=completed: typed.value == wanted, completed)


async def test_what_is_typed_right_behind_a_colon_or_a_slash_belongs_to_it(still: Still) -> None:
    async with console(still) as user:
        await user.live()
        user.burst(":ns training\n")
        await user.see("Workloads · training")
        user.burst("/tensor\n")
        await user.until(lambda: [row.split()[0] for row in user.rows()] == ["tensorboard"], "filtered")
        await user.until(lambda: user.focused == "listing", "left the line")
        user.burst("/a/b:c\n")
        await user.see("/tensora/b:c")


async def test_what_is_typed_right_behind_enter_goes_where_enter_has_led(still: Still) -> None:
    async with console(still) as user:
        await user.live()
        user.burst(":ns training\nG/tensor\ns")
        await user.until(lambda: user.app.session.question.source == "training/deployment/tensorboard", "taken")
        assert user.focused == "listing"
        await user.press("escape")
        user.burst(":netpol\nGy")
        await user.see("kind: NetworkPolicy")


async def test_ns_alone_offers_namespaces(still: Still) -> None:
    async with console(still) as user:
        await user.live()
        await user.command("ns")
        await user.paste("vect")
        await user.press("enter")
        await user.see("Workloads · vector-db")


async def test_the_palette_offers_what_has_a_key(still: Still) -> None:
    async with console(still) as user:
        await user.live()
        await user.press("ctrl+p")
        await user.paste("as the source")
        await user.see("Take this as the source of a simulation")
        await user.press("enter")
        await user.until(lambda: user.app.session.question.source, "pressed its key")


async def test_q_leaves() -> None:
    source = Scripted()
    async with console(source) as user:
        await user.until(lambda: source.opened)
        assert not user.app._exit
        await user.press("q")
        await user.until(lambda: user.app._exit, "left")
    assert source.closed


async def test_clicks_do_what_keys_do(still: Still) -> None:
    async with console(still) as user:
        await user.live()
        await user.see("feature-store/feast-redis")
        await user.pilot.click("#listing", offset=(5, 4))
        assert user.list().cursor == 2
        assert await user.pilot.click("Tab", offset=(3, 0))
        await user.pilot.click(user.app.screen.query(Tab)[1])
        await user.see("Choose a source")
        await user.pilot.click("#source")
        await user.see("letters of a workload")


async def test_the_same_keys_answer_in_the_same_way_while_updates_come(still: Still) -> None:
    scripted = Scripted()
    async with console(scripted) as user:
        await user.until(lambda: scripted.opened)
        scripted.say(State.LIVE, SMALL)
        await user.command("sim shop/web internet 443")
        await user.see("● ALLOWED")
        for _ in range(20):
            scripted.say(State.LIVE, SMALL)
        await user.press("x")
        await user.until(lambda: user.app.session.question.destination == "shop/web")
        await user.until(lambda: answer(user).startswith(("○ BLOCKED", "● ALLOWED")))


async def test_the_other_screens_are_mounted_ahead_in_an_idle_moment(still: Still) -> None:
    async with console(still, ahead=True) as user:
        await user.live()
        await user.until(lambda: set(MAIN) <= user.app._screen_stacks.keys(), "mounted them all")
        assert user.app.screen is user.app.base
        for key, name in (("2", "simulate"), ("3", "matrix"), ("4", "audit"), ("5", "timeline")):
            mounted = user.app._screen_stacks[name][0]
            await user.press(key)
            await user.until(lambda mounted=mounted: user.app.screen is mounted, f"shows {name}")
