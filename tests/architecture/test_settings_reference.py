"""The page of settings says what the code reads."""

import msgspec

from tocsin.runtime.settings import Settings
from tocsin.stack.settings_reference import PAGE, page


def test_the_page_is_made_from_this_code() -> None:
    assert PAGE.read_text("utf-8") == page(), "Make it anew: python -m tocsin.stack.settings_reference"


def test_every_setting_of_a_process_has_its_row() -> None:
    rows = {line.split(" | ")[0].removeprefix("| ") for line in page().splitlines() if line.startswith("| ")}
    assert {field.name for field in msgspec.structs.fields(Settings)} <= rows
