"""Calls an outside watcher while all is well: what notices that nothing here is left that could notice.

The address is a secret (whoever has it can keep the watcher quiet), so no error repeats it. No redirect is followed:
the address is the operator's, and what it may lead to is not.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

WITHIN = 5.0
"""Seconds for one call; a watcher that is slower counts as not reached."""


class DeadMan:
    """An outside watcher at an address."""

    def __init__(self, url: str, *, within: float = WITHIN) -> None:
        self._url = url
        self._within = within
        self._opener = urllib.request.build_opener(_NoRedirect)

    def ping(self) -> str | None:
        """Call it once; returns what failed, None if it took the call. Call it outside of transactions."""
        try:
            with self._opener.open(self._url, timeout=self._within) as answer:
                status = answer.status
        except urllib.error.HTTPError as error:
            error.close()
            return f"it answered {error.code}"
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None)
            kind = type(reason) if isinstance(reason, Exception) else type(error)
            return f"it does not answer ({kind.__name__})"
        return None if 200 <= status < 300 else f"it answered {status}"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like any other, and not a good one."""

    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any) -> None:
        return None
