"""Every code that the receiving side uses is in its catalogue, and nothing else is."""

import re
import tomllib
from pathlib import Path

from consumers.agreement import Treatment
from schemas.catalogue import FOLDER, catalogue

ROOT = Path(__file__).resolve().parents[3]
AREAS = (
    "agreement",
    "delivery",
    "inbox",
    "broker",
    "returns",
    "store",
    "courier",
    "escalation",
    "sink",
    "answer",
    "receiver",
    "subscribe",
)
FILES = {"inbox.lock", "inbox.sqlite"}
CODE = re.compile(rf'"((?:{"|".join(AREAS)})\.[a-z_0-9]+)"')


def used_codes() -> set[str]:
    sources = [
        *(ROOT / "consumers").rglob("*.py"),
        *(ROOT / "tocsin" / "cli" / f"{name}.py" for name in ("answer", "receiver", "subscribe")),
    ]
    found = {code for source in sources for code in CODE.findall(source.read_text())}
    return found - FILES | {f"agreement.known_{treatment}" for treatment in Treatment}


def test_every_code_that_is_used_is_explained() -> None:
    assert used_codes() <= catalogue().keys()


def test_every_code_of_the_area_is_used() -> None:
    assert set(tomllib.loads((FOLDER / "consumers.toml").read_text())) <= used_codes()
