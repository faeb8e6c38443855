"""Why there is no connection to a target, in words."""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl

_ERRNO = re.compile(r"\[Errno (\d+)\]")


def why_unreached(error: BaseException) -> str:
    """Say in a few words why a connection was not made."""
    if isinstance(error, ssl.SSLCertVerificationError):
        detail = error.verify_message or str(error)
        return f"its certificate is not trusted ({detail}); give its authority with --ca FILE, or use --insecure"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({(error.reason or str(error)).lower().replace('_', ' ')}); is it a wss:// address?"
    if isinstance(error, socket.gaierror):
        return f"the host name is not known ({(error.strerror or str(error)).lower()})"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    number = error.errno if isinstance(error, OSError) else None
    if number is None and (several := _ERRNO.findall(str(error))):
        number = int(several[-1])  # asyncio joins the errors of several addresses into a text
    if number is not None and number in errno.errorcode:
        return os.strerror(number).lower()
    return (str(error) or type(error).__name__).lower()
