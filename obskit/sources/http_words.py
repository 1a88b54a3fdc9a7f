"""What a broken connection is, in words: the innermost reason, without the libraries' names around it."""

from __future__ import annotations

import re
import socket
import ssl

from urllib3.exceptions import IncompleteRead

#: Name and password inside an address.
_USERINFO = re.compile(r"//[^/@\s]*@")
#: Exceptions inside exceptions; requests, urllib3, http.client and the socket make four.
_DEEPEST = 10
#: Characters of what is told.
_MOST = 300


def shown(url: str) -> str:
    """Return an address without the name and password that it may hold."""
    return _USERINFO.sub("//", url)


def reason_of(error: BaseException) -> str:
    """Return why a request failed, on one line, without secrets and control characters.

    Args:
        error: What requests or urllib3 raised.

    Returns:
        The operating system's own words (``connection refused``) where there are any, at most 300 characters.
    """
    text = shown(_words(_innermost(error)))
    return "".join(c if c.isprintable() else " " for c in text)[-_MOST:]


def _innermost(error: BaseException) -> BaseException:
    """Follow reasons, wrapped exceptions and causes to the one that began it."""
    for _ in range(_DEEPEST):
        inner = [getattr(error, "reason", None), *error.args, error.__cause__]
        error, before = next((one for one in inner if isinstance(one, BaseException)), error), error
        if error is before:
            break
    return error


def _words(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return (getattr(error, "reason", None) or str(error)).replace("_", " ").lower()
    if isinstance(error, socket.gaierror):
        return f"its name cannot be resolved: {_lower(error.strerror or str(error))}"
    if isinstance(error, OSError) and error.strerror:
        return _lower(error.strerror)
    if isinstance(error, IncompleteRead):
        return "its answer broke off"
    return str(error) or type(error).__name__


def _lower(words: str) -> str:
    """Begin with a small letter: the words follow others; what is capital throughout stays."""
    return words if words[:2].isupper() else words[:1].lower() + words[1:]
