"""The certificate that the manager serves, and its renewal while the manager runs."""

import asyncio
import logging
import os
import stat
from pathlib import Path

from manager_api.settings.reach import tls_context

#: In seconds. A renewed certificate may wait: the one before is valid for days.
_LOOK_EVERY_S = 10.0

logger = logging.getLogger(__name__)


class ServedCertificate:
    """A certificate and its key, and the TLS context that serves them to new connections."""

    def __init__(self, cert: Path, key: Path, *, look_every_s: float = _LOOK_EVERY_S) -> None:
        """
        Raises:
            OSError: they cannot be read, or do not belong together (`ssl.SSLError`).
        """
        self.context = tls_context(cert, key)
        self._files = (cert, key)
        self._look_every_s = look_every_s
        self._seen = self._times()
        if os.name != "nt" and key.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            logger.warning(
                "other users of this machine can reach the key of the certificate: chmod 600",
                extra={"file": str(key)},
            )

    async def run(self) -> None:
        """Serve a renewed certificate soon after its files have changed, until canceled."""
        while True:
            await asyncio.sleep(self._look_every_s)
            await asyncio.to_thread(self._look)

    def _look(self) -> None:
        now = self._times()
        if now == self._seen:
            return
        self._seen = now
        try:
            # Tried apart first: a pair that does not fit, of which the second file is still to
            # come, must not replace the one that is served.
            tls_context(*self._files)
            self.context.load_cert_chain(*self._files, password="")
        except OSError as problem:
            logger.warning("the renewed certificate cannot be used", extra={"reason": str(problem)})
        else:
            logger.info("serving the renewed certificate", extra={"file": str(self._files[0])})

    def _times(self) -> list[int]:
        """Return when the files were changed last; 0 for one that is not there."""
        return [each.stat().st_mtime_ns if each.exists() else 0 for each in self._files]
