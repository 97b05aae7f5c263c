"""The reference page is made, not written."""

from pathlib import Path

from schemas.definitions import FOLDER
from schemas.reference import reference_page
from schemas.vocabularies import vocabulary_names

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "schemas.md"


def test_the_page_in_the_repository_is_current() -> None:
    current = PAGE.read_text("utf-8") == reference_page()
    assert current, "run: tocsin schema reference --write docs/reference/schemas.md"


def test_the_page_has_every_type_and_every_vocabulary() -> None:
    page = reference_page()
    for name in [*(file.stem for file in FOLDER.glob("*.avsc")), *vocabulary_names()]:
        assert f"### {name}\n" in page
