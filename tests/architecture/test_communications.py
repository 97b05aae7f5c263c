"""Every connection that the product opens or takes is named in one page (ASVS 5.0, 13.1.1)."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.builders.sources import imported, trees

PAGE: Final = (Path(__file__).parents[2] / "docs" / "reference" / "communications.md").read_text("utf-8")
OPENING: Final = frozenset(
    {
        "aiohttp",
        "aiokafka.AIOKafkaConsumer",
        "aiokafka.AIOKafkaProducer",
        "aiokafka.admin.AIOKafkaAdminClient",
        "asyncio.open_connection",
        "asyncio.start_server",
        "confluent_kafka.Consumer",
        "confluent_kafka.Producer",
        "confluent_kafka.admin.AdminClient",
        "faust",
        "ftplib",
        "http.client.HTTPConnection",
        "http.client.HTTPSConnection",
        "http.server.HTTPServer",
        "http.server.ThreadingHTTPServer",
        "httpx",
        "psycopg",
        "requests",
        "smtplib",
        "socket",
        "sqlalchemy.create_engine",
        "urllib.request",
        "urllib3",
        "websockets",
    }
)
"""What a file imports that can open a connection, or take one."""
ROWS: Final = [line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("| ")]
TIMES: Final = [(cells[1].strip(), cells[2]) for cells in ROWS if cells[1].strip().isdigit()]


def places(text: str) -> set[str]:
    return set(re.findall(r"`([\w/]+\.py)`", text))


def test_each_file_that_can_open_a_connection_is_named_and_no_other() -> None:
    opening = {place for place, tree in trees().items() if imported(tree) & OPENING}
    assert len(opening) > 30, "or this test would see nothing"
    assert {place for cells in ROWS if len(cells) == 5 for place in places(cells[-1])} == opening


@pytest.mark.parametrize(("seconds", "where"), TIMES)
def test_each_time_is_the_one_of_the_code(seconds: str, where: str) -> None:
    (place,) = places(where)
    name = where.split("`")[3]
    text = (Path(__file__).parents[2] / place).read_text("utf-8").replace("_", "")
    found = re.search(rf"^{name.replace('_', '')}: Final = ([\d.]+)$", text, re.MULTILINE)
    assert found, f"{name} of {place}"
    assert float(found[1]) == float(seconds)


def test_the_page_has_times_at_all() -> None:
    assert len(TIMES) > 5
