"""The doors that bytes of strangers come through, each as a function that ends well or with a failure of ours."""

import io
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Final, cast

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from consumers import settings as delivery
from consumers.answers import parse, read_csv, read_json_lines
from processors.intake import Accepted, Door, Rejected
from processors.returns import ReturnStages, ReturnTools
from processors.telling import Read
from producers.feeds.table import FEEDS, Feed, feed_of
from schemas.failures import Failure
from schemas.records.identifiers import MemberId
from schemas.signing import KEY_HEADER, SIGNATURE_HEADER
from schemas.topics import TRIAGE, returns_topic
from tests.builders.drafts import CONTEXT
from tests.builders.policy import the_sample, with_member
from tests.builders.proofs import PUBLIC
from tests.builders.reports import NOON_MS
from tests.fuzz import asking
from tocsin.policy.bundle import load
from tocsin.policy.policies import OnePolicy
from tocsin.policy.store.trust import read_trust
from tocsin.runtime import settings
from tocsin.runtime.database import Database
from tocsin.runtime.keys import changing
from tocsin.runtime.keys.directory import Directory
from tocsin.runtime.keys.files import KeyFolder, Use
from tocsin.runtime.keys.publishing import Keeper
from tocsin.runtime.keys.sealing import Opener
from tocsin.runtime.registry import FixedDirectory, RecordCodec
from tocsin.runtime.settings import TrustSettings
from tocsin.runtime.transport.slices import RawRecord, Slice

CORPUS: Final = Path(__file__).with_name("corpus")
MEMBER: Final = MemberId("plat-a")
RECIPIENT: Final = MemberId("nl-hotline")
SAMPLE: Final = Path(load.__code__.co_filename).with_name("sample")
POLICY_FILES: Final = (
    *("members.toml", "routing.toml", "sharing.toml", "priority.toml", "labels.toml", "bases.toml"),
    *("identity.toml", "retention.toml", "jurisdictions/de.toml", "profiles/plat-a.toml"),
)
OPENING: Final = X25519PrivateKey.from_private_bytes(sha256(b"the key of a test's triage").digest())
COUNTRIES: Final = frozenset({"de", "fr", "gb", "nl", "us", "xi"})
"""Of the sample's members."""
Target = Callable[[bytes], None]


@cache
def _door() -> Door:
    codec = RecordCodec(FixedDirectory())
    return Door(member=MEMBER, bundle=with_member(MEMBER, signs=False, seals=False), codec=codec)


def codec(data: bytes) -> None:
    """A value on a member's topic, through the whole door: frame, Avro, screening, the checks of its fields."""
    _door().admit(RawRecord(offset=0, timestamp_ms=NOON_MS, key=b"k", value=data, headers=()))


def signed(data: bytes) -> None:
    """The same where signatures are verified and parts are opened: key and signature, a line each, and the value."""
    admitted_signed(data)


def admitted_signed(data: bytes) -> Accepted | Rejected:
    """What becomes of it."""
    return _signed_door().admit(_signed_record(data))


@cache
def _signed_door() -> Door:
    """With keys that are the same in every run, or no kept input would open."""
    keeper, keys = Keeper(_folder() / "keeper"), KeyFolder(_folder() / "triage")
    keeper.create()
    keeper.change(lambda found: changing.admitted(found, MEMBER, Use.SIGN, PUBLIC, NOON_MS - 1))
    keys.add(Use.SEAL, OPENING)
    opens = OPENING.public_key().public_bytes_raw()
    directory = keeper.change(lambda found: changing.admitted(found, TRIAGE, Use.SEAL, opens, NOON_MS - 1))
    trust = TrustSettings(keys=_folder() / "triage", directory=keeper.file, keeper=str(keeper.key))
    return Door(
        member=MEMBER,
        bundle=with_member(MEMBER, signs=False, seals=False),
        codec=RecordCodec(FixedDirectory()),
        directory=directory,
        opener=Opener(trust, TRIAGE, lambda: NOON_MS),
    )


def returned(data: bytes) -> None:
    """A value on a member's returns topic, with its headers: an answer, a label, or a look at referrals."""
    read_return(data)


def read_return(data: bytes) -> Read:
    """What becomes of it."""
    piece = Slice(topic_id="t", topic=returns_topic(RECIPIENT), partition=0, records=(_signed_record(data),))
    (read,) = _returns().decide(piece).read
    return read


@cache
def _returns() -> ReturnStages:
    tools = ReturnTools(codec=RecordCodec(FixedDirectory()), policies=OnePolicy(the_sample()), directory=_directory)
    return ReturnStages(tools, cast(Database, None), {}, lambda: NOON_MS)  # deciding asks no database


def _directory() -> Directory:
    return changing.admitted(Directory(), RECIPIENT, Use.SIGN, PUBLIC, NOON_MS - 1)


def _signed_record(data: bytes) -> RawRecord:
    key, signature, value = (*data.split(b"\n", 2), *[b""] * 3)[:3]
    headers = ((KEY_HEADER, key), (SIGNATURE_HEADER, signature))
    return RawRecord(offset=0, timestamp_ms=NOON_MS, key=b"k", value=value, headers=headers)


def feed(chosen: Feed, data: bytes) -> None:
    """A file in one format, read to its end."""
    for _ in chosen.read(io.BytesIO(data), CONTEXT):
        pass


def recognised(data: bytes) -> None:
    """A file whose format nobody named."""
    feed_of(data)


def answers(data: bytes) -> None:
    """A file of answers, as a table and as JSON lines, each line made into an answer."""
    for read in (read_csv, read_json_lines):
        lines = read(data)
        for line in lines if isinstance(lines, list) else ():
            parse(line)


def files(data: bytes) -> None:
    """A settings file, a delivery file and whom the policy store believes: the same bytes as each."""
    file = _folder() / "file.toml"
    file.write_bytes(data)
    for read in (settings.load, partial(delivery.load, state=file.parent), read_trust):
        with suppress(Failure):
            read(file)


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="tocsin-fuzz-"))


def policy(data: bytes) -> None:
    """A file of a bundle that somebody edited: the first byte says which."""
    folder, name = _bundle(), POLICY_FILES[data[0] % len(POLICY_FILES)] if data else POLICY_FILES[0]
    (folder / name).write_bytes(data[1:])
    try:
        load(folder)
    finally:
        shutil.copyfile(SAMPLE / name, folder / name)


@cache
def _bundle() -> Path:
    """The sample without most of its countries: what is read anew for every input is what an input takes."""
    folder = Path(tempfile.mkdtemp(prefix="tocsin-fuzz-")) / "policy"
    shutil.copytree(SAMPLE, folder)
    for file in (folder / "jurisdictions").iterdir():
        if file.stem not in COUNTRIES:
            file.unlink()
    return folder


TARGETS: Final[Mapping[str, Target]] = {
    "codec": codec,
    "codec-signed": signed,
    "returns": returned,
    **{f"feed-{chosen.name}": partial(feed, chosen) for chosen in FEEDS},
    "recognise": recognised,
    "answers": answers,
    "receiver": asking.unsigned,
    "receiver-signed": asking.signed,
    "policy": policy,
    "settings": files,
}


def run(name: str, data: bytes) -> None:
    """One input through one door; a failure of ours is an answer, everything else is a fault."""
    try:
        TARGETS[name](data)
    except Failure:
        return
