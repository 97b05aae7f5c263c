"""The tables of the exchange, brought to a revision: apart from the database, so that members need no Alembic."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from tocsin.runtime.database import Database, database_of
from tocsin.runtime.settings import Settings

MIGRATIONS: Final = Path(__file__).with_name("migrations")


def migrate(settings: Settings, revision: str = "head") -> None:
    """Bring the tables to a revision; run as `ops`, who owns them."""
    database = database_of(settings)
    with database.transaction() as connection:
        config = _alembic()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    database.close()


def revisions(database: Database) -> tuple[str | None, str | None]:
    """The revision that the database has, and the one this version wants."""
    with database.transaction() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    return present, ScriptDirectory.from_config(_alembic()).get_current_head()


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
