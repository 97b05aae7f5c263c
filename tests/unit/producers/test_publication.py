"""What publishing says before anything else: a key that ends soon, while there is time to exchange it."""

from typing import cast

from producers.publication import Choices, Voice, publish
from producers.service import Publishing


class NothingToSend:
    """A member without files and with one warning."""

    def warnings(self) -> tuple[str, ...]:
        return ("Your signing key ends in 20 days.",)

    def waiting_count(self) -> int:
        return 0

    def send(self, wait_seconds: float, confirmed: object) -> int:
        return 0


def test_a_key_that_ends_soon_is_told_by_whoever_publishes() -> None:
    told: list[str] = []
    voice = Voice(say=told.append, progress=lambda *_: None, confirm=lambda _: True)
    publish(Choices(files=()), cast(Publishing, NothingToSend()), voice)
    assert told == ["Your signing key ends in 20 days."]
