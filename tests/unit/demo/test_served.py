"""A demo that stays up can be scraped, each process at a port of its own; one that ends opens none."""

from collections.abc import Sequence
from pathlib import Path

from tocsin.stack.demo.exchange import Exchange
from tocsin.stack.settings_files import targets_of


class Ended:
    """A child that has nothing to do."""

    pid = 0

    def poll(self) -> int | None:
        return 0

    def wait(self, timeout: float | None = None) -> int:
        return 0

    def terminate(self) -> None:
        """It has ended."""

    def kill(self) -> None:
        """It has ended."""


def started(home: Path, *, stays: bool) -> list[tuple[str, ...]]:
    """What a demo starts, without the words that say in which home."""
    found: list[tuple[str, ...]] = []

    def launch(words: Sequence[str], log: Path) -> Ended:
        found.append(tuple(words[:-2]))
        return Ended()

    exchange = Exchange(home, launch, stays=stays)
    (exchange.home / "config").mkdir()
    exchange.start(lambda _name, _what: None)
    return found


def test_each_process_has_a_port_of_its_own_and_the_same_the_next_time(tmp_path: Path) -> None:
    words = started(tmp_path / "one", stays=True)
    served = [one for one in words if one[0] != "receiver"]
    ports = {one[one.index("--metrics-port") + 1] for one in served}
    assert {one[0] for one in served} == {"triage", "returns", "deliver"}
    assert len(ports) == len(served)
    (tmp_path / "one" / "config").rename(tmp_path / "before")
    assert started(tmp_path / "one", stays=True) == words


def test_the_receiver_which_has_no_settings_file_is_told_where_the_others_say_what_they_serve(tmp_path: Path) -> None:
    (receiver,) = [one for one in started(tmp_path, stays=True) if one[0] == "receiver"]
    assert receiver[-2:] == ("--metrics-targets", str(targets_of(tmp_path)))


def test_one_that_ends_opens_none(tmp_path: Path) -> None:
    assert not {"--metrics-port", "--metrics-targets"} & {
        word for one in started(tmp_path, stays=False) for word in one
    }
