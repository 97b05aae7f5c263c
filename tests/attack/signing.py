"""Signs every second request that schemathesis makes, so that it comes past the first check as well."""

import itertools
from datetime import UTC, datetime
from typing import Any

import requests
import schemathesis
from requests.auth import AuthBase
from standardwebhooks import Webhook

from tests.builders.sinks import SECRET

_TURNS = itertools.count()


class Signed(AuthBase):
    """The signature over what is sent in the end."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the three headers; what is no text stays as it is."""
        key, body = str(request.headers.get("webhook-id", "k")), request.body or b""
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
        now = datetime.now(UTC)
        request.headers["webhook-timestamp"] = str(int(now.timestamp()))
        request.headers["webhook-signature"] = Webhook(SECRET).sign(key, now, text)
        return request


def before_call(_: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Every second one."""
    if next(_TURNS) % 2:
        kwargs["auth"] = Signed()


schemathesis.hook(before_call)
