"""A delivery process that ends by SIGKILL while a bundle waits, or leaves: `python ... FOLDER MOMENT`."""

import sys
from pathlib import Path

from consumers.agreement import Agreement, Treatment
from tests.builders.deliveries import Counter
from tests.builders.referrals import a_referral
from tests.integration.deliver_and_die import Deadly, die, open_sink

PERIOD_MS = 3_600_000
BUNDLING = Agreement(known_content=Treatment.BUNDLE, bundle_period_seconds=PERIOD_MS // 1000)
FIRST = a_referral("first", content_keys=("url:page",))
COPIES = tuple(a_referral(f"copy-{number}", content_keys=("url:page",)) for number in range(3))


def at_the_counter(folder: Path, moment: str = "") -> Counter:
    """The member's desk as each process opens it; `moment` is when its sink kills it, at the second parcel."""
    sink = open_sink("directory", folder, "")
    return Counter(
        folder=folder / "store", agreement=BUNDLING, sinks={"sink": Deadly(sink, moment) if moment else sink}
    )


def main(folder: Path, moment: str) -> None:
    """Deliver a first referral; its copies wait for the end of the period, and the process dies."""
    counter = at_the_counter(folder, moment)
    counter.arrive(FIRST)
    while counter.courier.turn():
        pass
    counter.arrive(*COPIES)
    counter.courier.turn()
    if moment == "waiting":
        die()
    counter.clock.now_ms += PERIOD_MS
    while counter.courier.turn():
        pass


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
