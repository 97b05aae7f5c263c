"""How much room the disk of this process's own files has, asked at every scrape."""

import shutil
from pathlib import Path

from tocsin.runtime import metrics


def show_room(folder: Path) -> None:
    """Publish it from now on; of the nearest folder above where it is not there yet."""
    metrics.STATE_AVAILABLE.set_function(lambda: shutil.disk_usage(_there(folder)).free)
    metrics.STATE_SIZE.set_function(lambda: shutil.disk_usage(_there(folder)).total)


def _there(folder: Path) -> Path:
    return next(one for one in (folder, *folder.absolute().parents) if one.exists())
