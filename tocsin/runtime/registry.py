"""Schema ids: which record a framed value holds, from the registry once and from this process's disk ever after."""

import json
import logging
import os
import threading
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import SplitResult, quote, urlsplit

import msgspec
from msgspec import Struct

from schemas.catalogue import message
from schemas.codec import decode, decode_from, encode, prepared, same_layout
from schemas.definitions import NAMESPACE, RECORD_TYPES, record_type_named, schema_text
from schemas.disclosure import Audience
from schemas.failures import Broken, Temporary, Unreadable
from schemas.framing import FRAME_BYTES, frame, schema_id_of
from tocsin.runtime.loopback import LOOPBACK
from tocsin.runtime.settings import RegistrySettings
from tocsin.runtime.tls import verifying

TIMEOUT_SECONDS: Final = 5.0
MAX_ANSWER_BYTES: Final = 1_048_576
_NOT_FOUND: Final = 404
_OK: Final = 200
_CONTENT_TYPE: Final = "application/vnd.schemaregistry.v1+json"
_LOG: Final = logging.getLogger(__name__)

T = TypeVar("T", bound=Struct)


class Writer(Struct, frozen=True, kw_only=True):
    """What a schema id stands for: a record, and the schema it was written with where its layout is not today's."""

    record_type: type[Struct]
    other_schema: dict[str, Any] | None = None


class Directory(Protocol):
    """Both ways between schema ids and records."""

    def id_of(self, record_type: type[Struct]) -> int:
        """The id that values of this record are framed with."""

    def writer_of(self, schema_id: int) -> Writer:
        """What this id stands for; an id of nothing of ours is Unreadable."""


def subject_of(record_type: type[Struct]) -> str:
    """The registry's name for the versions of one record."""
    return f"{NAMESPACE}.{record_type.__name__}"


def subjects() -> Mapping[str, str]:
    """Every subject with its schema as JSON text: what the ops principal registers."""
    return {subject_of(record_type): schema_text(record_type) for record_type in RECORD_TYPES}


class FixedDirectory:
    """Ids by a table; without one, records are numbered from 1 in the order of RECORD_TYPES."""

    def __init__(self, ids: Mapping[type[Struct], int] | None = None) -> None:
        self._ids = dict(ids) if ids is not None else {known: n for n, known in enumerate(RECORD_TYPES, start=1)}
        self._writers = {schema_id: Writer(record_type=record_type) for record_type, schema_id in self._ids.items()}

    def id_of(self, record_type: type[Struct]) -> int:
        """The id in the table."""
        if record_type not in self._ids:
            raise _not_registered(record_type)
        return self._ids[record_type]

    def writer_of(self, schema_id: int) -> Writer:
        """The record in the table."""
        if schema_id not in self._writers:
            raise _unknown_id(schema_id)
        return self._writers[schema_id]

    def record_type_of(self, schema_id: int) -> type[Struct]:
        """The record in the table."""
        return self.writer_of(schema_id).record_type


class KnownSchemas(Struct, frozen=True, kw_only=True):
    """What the disk remembers: an id never changes its meaning, so nothing here goes stale."""

    registry: str = ""
    ids: dict[str, int] = {}
    """By the text of the schema, so that an edited draft is asked for again."""
    texts: dict[str, str] = {}
    """Text by id."""


class SchemaDirectory:
    """Ids from a Confluent-compatible registry; what was asked once works while the registry is away."""

    def __init__(self, settings: RegistrySettings) -> None:
        self._registry = _Registry(settings)
        self._file = settings.cache / "schemas.json"
        self._known = _read_known(self._file, settings.url)
        self._is_kept = True
        self._one_at_a_time = threading.Lock()
        """A worker's threads meet a new schema together: the file and what is known are written by one of them."""

    def id_of(self, record_type: type[Struct]) -> int:
        """The id of today's schema of this record."""
        text = schema_text(record_type)
        known = self._known.ids.get(text)
        return known if known is not None else self._learn_id(record_type, text)

    def writer_of(self, schema_id: int) -> Writer:
        """The record of this id, and its schema where another version wrote it."""
        text = self._known.texts.get(str(schema_id)) or self._learn_text(schema_id)
        writer = _writer_in(text)
        if writer is None:
            raise _unknown_id(schema_id)
        return writer

    def record_type_of(self, schema_id: int) -> type[Struct]:
        """The record of this id."""
        return self.writer_of(schema_id).record_type

    def _learn_id(self, record_type: type[Struct], text: str) -> int:
        answer = self._registry.ask("POST", f"/subjects/{quote(subject_of(record_type), safe='')}", {"schema": text})
        if answer is None:
            raise _not_registered(record_type)
        schema_id = _field(answer, "id", int)
        self._remember(ids={text: schema_id}, texts={str(schema_id): text})
        return schema_id

    def _learn_text(self, schema_id: int) -> str:
        answer = self._registry.ask("GET", f"/schemas/ids/{schema_id}", None)
        if answer is None:
            raise _unknown_id(schema_id)
        text = _field(answer, "schema", str)
        self._remember(ids={}, texts={str(schema_id): text})
        return text

    def _remember(self, *, ids: dict[str, int], texts: dict[str, str]) -> None:
        with self._one_at_a_time:
            known = self._known
            self._known = msgspec.structs.replace(known, ids=known.ids | ids, texts=known.texts | texts)
            self._keep()

    def _keep(self) -> None:
        """What no disk takes is known to this process all the same, and kept with what is learnt next."""
        try:
            _write_known(self._file, self._known)
        except OSError as error:
            if self._is_kept:
                facts = {"failure": type(error).__name__, "code": "registry.cache_unwritable"}
                _LOG.warning(message("registry.cache_unwritable"), extra={"facts": facts})
            self._is_kept = False
        else:
            self._is_kept = True


class RecordCodec:
    """Framed values to records and back, the one codec that a process builds at its start."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._frames: dict[type[Struct], bytes] = {}
        self._writers: dict[int, Writer] = {}

    def dumps(self, record: Struct, audience: Audience | None = None) -> bytes:
        """The framed bytes of a record; for an audience, without what its ceilings hide (schemas/writing.py)."""
        record_type = type(record)
        prefix = self._frames.get(record_type)
        if prefix is None:
            prefix = self._frames[record_type] = frame(self._directory.id_of(record_type))
        return encode(record, prefix, audience)

    def loads(self, value: bytes | None, *expected: type[T]) -> T:
        """The record in a framed value, one of the expected types; anything else is Unreadable."""
        if not value:
            raise Unreadable("A value holds a record, found none. Publish with Tocsin.", code="value.empty")
        writer = self._writer(schema_id_of(value))
        for wanted in expected:
            if wanted is writer.record_type:
                return _decoded(wanted, writer, value)
        raise Unreadable(
            f"This topic holds {' or '.join(wanted.__name__ for wanted in expected)}, "
            f"found {writer.record_type.__name__}. Send the record to its own topic.",
            code="record.wrong_type",
        )

    def _writer(self, schema_id: int) -> Writer:
        writer = self._writers.get(schema_id)
        if writer is None:
            writer = self._writers[schema_id] = self._directory.writer_of(schema_id)
        return writer


def _decoded(wanted: type[T], writer: Writer, value: bytes) -> T:
    if writer.other_schema is None:
        return decode(wanted, value, FRAME_BYTES)
    return decode_from(wanted, writer.other_schema, value[FRAME_BYTES:])


class _Registry:
    """The two questions that a process asks, over HTTP with bounded time and size."""

    def __init__(self, settings: RegistrySettings) -> None:
        self._url: SplitResult = urlsplit(settings.url)
        if self._url.scheme != "https" and self._url.hostname not in LOOPBACK:
            raise Broken(message("registry.plaintext", host=self._url.netloc), code="registry.plaintext")
        self._tls = verifying(settings.ca) if self._url.scheme == "https" else None

    def ask(self, method: str, path: str, body: dict[str, str] | None) -> Mapping[str, Any] | None:
        """The answer; None where the registry does not know; Temporary where it is away."""
        try:
            status, data = self._exchange(method, path, json.dumps(body).encode() if body else None)
        except (OSError, HTTPException) as error:
            raise Temporary(
                f"The schema registry at {self._url.netloc} does not answer ({type(error).__name__}). "
                "Known ids keep working; this one waits until it is back: tocsin doctor",
                code="registry.away",
            ) from error
        if status == _NOT_FOUND:
            return None
        if status != _OK or len(data) > MAX_ANSWER_BYTES:
            raise Temporary(
                f"The schema registry at {self._url.netloc} answers with status {status}, expected 200 or 404. "
                "See its log: tocsin doctor",
                code="registry.away",
            )
        return _json_object(data)

    def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        connection = self._connection(self._url.hostname or "")
        try:
            headers = {"Accept": _CONTENT_TYPE} | ({"Content-Type": _CONTENT_TYPE} if body else {})
            connection.request(method, self._url.path.rstrip("/") + path, body, headers)
            response = connection.getresponse()
            return response.status, response.read(MAX_ANSWER_BYTES + 1)
        finally:
            connection.close()

    def _connection(self, host: str) -> HTTPConnection:
        if self._tls is None:
            return HTTPConnection(host, self._url.port, timeout=TIMEOUT_SECONDS)
        return HTTPSConnection(host, self._url.port, timeout=TIMEOUT_SECONDS, context=self._tls)


def _json_object(data: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(data)
    except ValueError as error:
        raise _odd_answer("no JSON") from error
    if not isinstance(answer, dict):
        raise _odd_answer("no JSON object")
    return answer


V = TypeVar("V", int, str)


def _field(answer: Mapping[str, Any], name: str, kind: type[V]) -> V:
    value = answer.get(name)
    if not isinstance(value, kind):
        raise _odd_answer(f"no '{name}'")
    return value


def _writer_in(text: str) -> Writer | None:
    """The record that a schema text describes; None where it is none of ours."""
    try:
        schema = json.loads(text)
    except ValueError:
        return None
    if not isinstance(schema, dict) or schema.get("namespace") != NAMESPACE:
        return None
    record_type = record_type_named(str(schema.get("name")))
    if record_type is None:
        return None
    return Writer(record_type=record_type, other_schema=None if same_layout(record_type, schema) else prepared(schema))


def _odd_answer(found: str) -> Temporary:
    return Temporary(
        f"The schema registry answers in JSON as Confluent's does, found {found}. Check the registry's URL.",
        code="registry.odd_answer",
    )


def _unknown_id(schema_id: int) -> Unreadable:
    return Unreadable(
        f"A value is framed with the id of one of our schemas, found {schema_id}. Publish with Tocsin.",
        code="schema.unknown_id",
    )


def _not_registered(record_type: type[Struct]) -> Broken:
    return Broken(
        f"The schema of {record_type.__name__} is not registered in this version. Register as ops: tocsin up",
        code="schema.not_registered",
    )


def _read_known(file: Path, url: str) -> KnownSchemas:
    """What was remembered for this registry; a file of another registry or none readable starts empty."""
    try:
        known = msgspec.json.decode(file.read_bytes(), type=KnownSchemas)
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return KnownSchemas(registry=url)
    return known if known.registry == url else KnownSchemas(registry=url)


def _write_known(file: Path, known: KnownSchemas) -> None:
    """Replace the file as a whole, so that a crash or a second process leaves a whole one; raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_bytes(msgspec.json.encode(known))
    draft.replace(file)
