"""The revisions of the database are one chain: two that were written at the same time would stop every start."""

from alembic.config import Config
from alembic.script import ScriptDirectory

from tocsin.runtime.migrating import MIGRATIONS


def test_each_revision_follows_another_and_its_file_begins_with_its_number() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    chain = list(ScriptDirectory.from_config(config).walk_revisions())
    assert len(chain) == len(list((MIGRATIONS / "versions").glob("0*.py"))), "two revisions have the same number"
    for revision in chain:
        assert revision.module.__file__ is not None
        assert f"/{revision.revision}_" in revision.module.__file__
