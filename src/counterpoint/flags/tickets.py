"""Tickets: what lets a browser open the stream of a flag set, whose request can carry no header of ours.

A ticket stands in the stream's address, which proxies may write into their logs. So it is not the key
itself: it opens that one stream and nothing else, it ends after two weeks, and it is worth nothing once the
key that it was made for is revoked. It is signed with the hash of that key's secret, which only whoever
holds the key and our database know; so it holds in every process, and needs no secret of its own.

The address stays the same for a week, since clients connect anew when it changes.
"""

import base64
import hashlib
import hmac
from typing import Final, NamedTuple
from urllib.parse import parse_qs, quote

__all__ = ["STREAM", "Asked", "Ticket", "address_of", "asked_for", "issue", "read_ticket", "secret_in"]

STREAM: Final = "/ofrep/v1/sse"
WEEK: Final = 7 * 24 * 3600
"""Seconds for which an address stays the same."""
LONGEST: Final = 4096
"""Characters of a query that is read."""


class Asked(NamedTuple):
    """What the address of a stream says."""

    channels: str = ""
    """Names of flag sets with commas between them; empty for the one that is meant without a name."""
    ticket: str | None = None


class Ticket(NamedTuple):
    """A ticket as it came; whether it is good only the hash of the key's secret tells."""

    key_id: str
    """The first 16 digits of that hash, by which it is looked up."""
    week: int
    """The last week, counted from 1970, in which it opens anything."""
    signature: str

    def is_of(self, secret_hash: str, channels: str, *, now: float) -> bool:
        """Whether it was made for this key and these channels, and has not ended at `now` (Unix seconds)."""
        if now >= (self.week + 1) * WEEK:
            return False
        return hmac.compare_digest(_signed(secret_hash, channels, self.week), self.signature)


def issue(secret: str, channels: str, *, now: float) -> str:
    """A ticket for the holder of a key's secret; the same all week, and good until the end of the next."""
    secret_hash = hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
    week = int(now // WEEK) + 1
    return f"{secret_hash[:16]}.{week}.{_signed(secret_hash, channels, week)}"


def read_ticket(text: str) -> Ticket | None:
    """The ticket that is written there, if it looks like one."""
    key_id, _, rest = text.partition(".")
    week, _, signature = rest.partition(".")
    plain = key_id.isascii() and key_id.isalnum() and signature.isascii()
    if not plain or len(key_id) != 16 or not (week.isascii() and week.isdigit()) or len(week) > 6:
        return None
    return Ticket(key_id, int(week), signature)


def _signed(secret_hash: str, channels: str, week: int) -> str:
    told = f"counterpoint stream\n{week}\n{channels}".encode("utf-8", "surrogateescape")
    digest = hmac.new(secret_hash.encode(), told, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:18]).decode()


def asked_for(query: bytes) -> Asked:
    """What the query of a stream's address asks for; of a name that stands there twice, nothing."""
    try:
        found = parse_qs(query[:LONGEST].decode("latin-1"), max_num_fields=50)
    except ValueError:
        return Asked()
    one = {name: values[0] for name, values in found.items() if len(values) == 1}
    return Asked(one.get("channels", ""), one.get("ticket"))


def address_of(channels: str, *, root: str = "", secret: str | None = None, now: float) -> str:
    """The path and query of a stream; with a ticket where a key's secret is given.

    Args:
        channels: names of flag sets, with commas between them.
        root: what stands before our paths, where a proxy serves us below one.
        secret: of the key that the stream is for.
        now: Unix seconds.
    """
    query = f"channels={quote(channels, safe='')}"
    if secret is not None:
        query += f"&ticket={issue(secret, channels, now=now)}"
    return f"{root}{STREAM}?{query}"


def secret_in(authorization: str | None, api_key: str | None) -> str | None:
    """The secret of the token or client key that a request carries in the headers of these names."""
    kind, _, value = (authorization or "").partition(" ")
    if kind.lower() == "bearer" and value.strip():
        return value.strip()
    return api_key
