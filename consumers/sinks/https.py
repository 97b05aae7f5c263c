"""A Standard Webhooks endpoint: signed, the stable key as `webhook-id`, bounded time and size, never a redirect."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import quote

import httpx
from msgspec import Struct
from standardwebhooks import Webhook

from consumers.letters import Parcel
from consumers.sinks.destination import Reach, Resolve, addresses_of, destination, require_safe
from consumers.sinks.port import LONGEST_WAIT_SECONDS, Away, Later, Presence, Unanswered
from schemas.failures import Refused
from tocsin.runtime.tracing.context import HEADER

_OK, _NO_CONTENT_LIMIT, _REDIRECTS_END = 200, 300, 400
_GONE, _NOT_FOUND, _SERVER_ERRORS = 410, 404, 500
_RETRYABLE: Final = frozenset({401, 403, 404, 407, 408, 409, 421, 423, 425, 429})
"""What the other side mends without us: keys, rights, paths, load. Every other status below 500 is for good."""
_MAX_ANSWER_BYTES: Final = 65_536


class Endpoint(Struct, frozen=True, kw_only=True):
    """One receiver: where it is, the secret that both sides share, and what it promises."""

    url: str
    secret: str
    check_url: str = ""
    honours_key: bool = False
    max_body_bytes: int = 1_048_576
    reach: Reach = Reach()
    """Where it may be beside public addresses."""


class HttpsSink:
    """One client for one endpoint; the signature covers id, time and body."""

    def __init__(
        self, endpoint: Endpoint, client: httpx.Client, now: Callable[[], datetime], resolve: Resolve = addresses_of
    ) -> None:
        for url in filter(None, (endpoint.url, endpoint.check_url)):
            require_safe(url, endpoint.reach)
        self._resolve = resolve
        self._endpoint = endpoint
        self._webhook = Webhook(endpoint.secret)
        self._client = client
        self._now = now
        self.honours_key = endpoint.honours_key

    def send(self, parcel: Parcel) -> None:
        """Post the document; only a 2xx answer is a delivery."""
        body = parcel.document.body
        if len(body) > self._endpoint.max_body_bytes:
            raise Refused(
                f"A document for this endpoint has at most {self._endpoint.max_body_bytes} bytes, found {len(body)}. "
                "Raise max_body_bytes if the receiver takes more.",
                code="sink.too_large",
            )
        headers = self._signed(parcel.key, body.decode()) | {"content-type": parcel.document.media_type}
        if parcel.context:
            headers[HEADER] = parcel.context
        status, retry_after = self._exchange("POST", self._endpoint.url, headers, body)
        _judge(status, wait_seconds_of(retry_after, self._now()))

    def check(self, key: str) -> Presence:
        """Ask the receiver by key, where it offers that."""
        if not self._endpoint.check_url:
            return Presence.UNKNOWN
        place = f"{self._endpoint.check_url}/{quote(key, safe='')}"
        status, _ = self._exchange("GET", place, self._signed(key, ""), b"")
        return {_OK: Presence.PRESENT, _NOT_FOUND: Presence.ABSENT}.get(status, Presence.UNKNOWN)

    def erase(self, key: str) -> bool:
        """A receiver is not ours: a person of it has to."""
        return False

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _signed(self, key: str, body: str) -> dict[str, str]:
        now = self._now()
        return {
            "webhook-id": key,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(key, now, body),
        }

    def _exchange(self, method: str, url: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        """Status and Retry-After of one exchange; of the body no more than a bound is read, and nothing is used."""
        to = destination(url, self._resolve, self._endpoint.reach)
        named, of_name = headers | {"host": to.host}, {"sni_hostname": to.server_name}
        try:
            with self._client.stream(method, to.url, headers=named, content=body, extensions=of_name) as response:
                received = 0
                for piece in response.iter_raw():
                    received += len(piece)
                    if received > _MAX_ANSWER_BYTES:
                        break
                return response.status_code, response.headers.get("retry-after", "")
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Away(
                f"The receiver cannot be reached ({type(error).__name__}). Check its address and certificate.",
                code="sink.away",
            ) from error
        except httpx.HTTPError as error:
            raise Unanswered(
                f"The receiver did not answer to the end ({type(error).__name__}). It may have the referral.",
                code="sink.unanswered",
            ) from error


def wait_seconds_of(retry_after: str, now: datetime) -> float:
    """How long a receiver asks to be left alone, in seconds or until a date (RFC 9110, 10.2.3); never above a bound."""
    if retry_after.strip().isdecimal():
        return min(float(retry_after), LONGEST_WAIT_SECONDS)
    try:
        at = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return 0.0
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(0.0, (aware - now).total_seconds()), LONGEST_WAIT_SECONDS)


def _judge(status: int, wait_seconds: float) -> None:
    """A 2xx returns; every other status is Later or Refused."""
    if _OK <= status < _NO_CONTENT_LIMIT:
        return
    if status >= _SERVER_ERRORS or status in _RETRYABLE:
        raise Later(
            f"The receiver answered {status}, expected 2xx. It is tried again; look at the receiver's log.",
            code="sink.status_retryable",
            wait_seconds=wait_seconds,
        )
    code = {_GONE: "sink.gone"}.get(status, "sink.redirected" if status < _REDIRECTS_END else "sink.status_permanent")
    raise Refused(
        f"The receiver answered {status}, expected 2xx. The referral is parked: correct the endpoint, "
        "then run `tocsin deliver` with --resume.",
        code=code,
    )
