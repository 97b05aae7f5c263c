"""The room on the disk of a process's own files, as a scrape sees it."""

from pathlib import Path

from tocsin.runtime import metrics
from tocsin.runtime.room import show_room


def test_room_is_told_of_a_folder_that_is_there_and_of_one_that_is_not_made_yet(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "not" / "yet"):
        show_room(folder)
        values = {
            name: metrics.REGISTRY.get_sample_value(f"tocsin_state_{name}_bytes") for name in ("size", "available")
        }
        assert values["size"] is not None
        assert values["available"] is not None
        assert 0 < values["available"] <= values["size"]
    for gauge in (metrics.STATE_AVAILABLE, metrics.STATE_SIZE):
        gauge.set_function(lambda: 0.0)
