"""Which requests the server answers: checks of Host, Origin, fetch metadata and token.

A page of another origin in the same browser gets nothing, by whatever host name it reaches the
server (DNS rebinding), and nothing is changed without the token (CSRF).
"""

from __future__ import annotations

import secrets
from email.message import Message
from urllib.parse import SplitResult

import attrs

__all__ = ["HEADERS", "TOKEN_HEADER", "AccessPolicy"]

TOKEN_HEADER = "X-FSM-Token"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@attrs.frozen
class AccessPolicy:
    """Accepts requests to the server's own address, and POST only with the token."""

    port: int
    token: str = attrs.field(factory=secrets.token_urlsafe, repr=False)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The accepted values of Host; any other name was made to resolve to this server."""
        names = ("127.0.0.1", "localhost")
        without_port = names if self.port == 80 else ()
        return (*(f"{name}:{self.port}" for name in names), *without_port)

    def refusal(self, method: str, target: SplitResult, headers: Message) -> str | None:
        """Return why the request is refused; None if it is accepted."""
        host, origin = _header(headers, "Host") or "", _header(headers, "Origin")
        if host not in self.hosts or target.netloc.lower() not in ("", host):
            return f"this page is served at http://{self.hosts[0]}/ only"
        if origin not in (None, f"http://{host}"):
            return "only this page itself may send requests"
        site = _header(headers, "Sec-Fetch-Site")  # the origin of the page that sends it
        if site not in (None, "none", "same-origin") and target.path != "/":  # not links
            return "only this page itself may send requests"
        if method == "POST" and not self._is_token(headers.get(TOKEN_HEADER, "")):
            return "to act on runs, enter the token that `fsm serve` printed"
        return None

    def _is_token(self, token: str) -> bool:
        return secrets.compare_digest(token.encode("utf-8", "replace"), self.token.encode())


def _header(headers: Message, name: str) -> str | None:
    """Return a header in lower case; two of one name joined, which matches no valid value."""
    values = headers.get_all(name)
    return None if values is None else ", ".join(values).lower()
