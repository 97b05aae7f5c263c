"""The published samples of X-ARF, from the file of a submitter to the folder of a recipient."""

import io
import json
from pathlib import Path

import pytest

from consumers.formats import format_named
from consumers.letters import Letter, parcel_of
from consumers.sinks.directory import DirectorySink
from processors.intake import Accepted
from producers.building import Checked, checked, report_of
from producers.feeds.entries import Drafted
from producers.feeds.xarf import reader
from tests.builders.drafts import CONTEXT, a_submitter
from tests.builders.reports import NOON_MS
from tests.unit.producers.test_feed_xarf import SAMPLES
from tests.unit.steps.test_all_steps import concluded, referrals


@pytest.mark.skipif(not SAMPLES.exists(), reason="the folder of sample reports is not here")
@pytest.mark.parametrize("kind", ["csam", "csem"])
def test_a_sample_reaches_its_recipients_and_says_the_same_there(kind: str, tmp_path: Path) -> None:
    (sample,) = reader.read(io.BytesIO((SAMPLES / f"content-{kind}.json").read_bytes()), CONTEXT)
    one = checked(sample)
    assert isinstance(one, Checked)
    report = report_of(one.draft, a_submitter(), NOON_MS)
    found = referrals(concluded(Accepted(report=report, personal=one.draft.personal)))
    assert found, "somebody gets it"
    for member, referral in found.items():
        letter = Letter(key=referral.referral_id, referrals=(referral,))
        DirectorySink(tmp_path / member).send(parcel_of(letter, format_named("xarf")))
        (file,) = (tmp_path / member).glob("*.json")
        (read,) = reader.read(io.BytesIO(file.read_bytes()), CONTEXT)
        assert isinstance(read, Drafted)
        tags = json.loads(file.read_bytes())["tags"]
        assert {f"tocsin:incident-{code}" for code in report.incident_types} <= set(tags)
