"""Door: who may come in, decided from what a request says of itself.

The law of this file: a page of another origin in the same browser gets nothing, under whatever
name it reaches us; and nothing is changed without the token.
"""

from __future__ import annotations

import secrets
from email.message import Message
from urllib.parse import SplitResult

import attrs

__all__ = ["HEADERS", "TOKEN_HEADER", "Door"]

TOKEN_HEADER = "X-FSM-Token"  # the name of one
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
class Door:
    """Lets in who asks for us by our own name, and to change something only with the token."""

    port: int
    token: str = attrs.field(factory=secrets.token_urlsafe, repr=False)

    @property
    def hosts(self) -> tuple[str, ...]:
        """What a request may call us: any other name was made to lead here (DNS rebinding)."""
        names = ("127.0.0.1", "localhost")
        bare = names if self.port == 80 else ()
        return (*(f"{name}:{self.port}" for name in names), *bare)

    def refusal(self, method: str, target: SplitResult, headers: Message) -> str | None:
        """Why the request is refused; None where it is not."""
        host, origin = _said(headers, "Host") or "", _said(headers, "Origin")
        if host not in self.hosts or target.netloc.lower() not in ("", host):
            return f"this page is at http://{self.hosts[0]}/ and nowhere else"
        if origin not in (None, f"http://{host}"):
            return "only the page itself may ask"
        site = _said(headers, "Sec-Fetch-Site")  # says where the asking page is from
        if site not in (None, "none", "same-origin") and target.path != "/":  # which one may link
            return "only the page itself may ask"
        if method == "POST" and not self._opens(headers.get(TOKEN_HEADER, "")):
            return "to change something, enter the token that `fsm serve` printed"
        return None

    def _opens(self, token: str) -> bool:
        return secrets.compare_digest(token.encode("utf-8", "replace"), self.token.encode())


def _said(headers: Message, name: str) -> str | None:
    """What a request says under that name; if it says it twice, both, which is nobody's name."""
    said = headers.get_all(name)
    return None if said is None else ", ".join(said).lower()
