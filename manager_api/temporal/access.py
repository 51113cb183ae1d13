"""How the manager reaches Temporal: its address, and the credentials that it asks for."""

from dataclasses import dataclass
from pathlib import Path

from temporalio.client import Client
from temporalio.service import GrpcCompression, TLSConfig

from activities.connections.converter import DATA_CONVERTER
from activities.process.layered_settings import SettingsError
from manager_api.settings.model import ManagerSettings


@dataclass(frozen=True, slots=True)
class TemporalAccess:
    """Where Temporal is, and with which credentials."""

    address: str
    """`host:port`."""
    namespace: str = "default"
    tls: TLSConfig | None = None
    api_key: str = ""
    """Sent with each call, over TLS only."""

    @classmethod
    def of_studio(cls, settings: ManagerSettings) -> "TemporalAccess":
        """Return the access to the Temporal at `temporal_address`.

        Raises:
            SettingsError: a file cannot be read, or a certificate has no key.
        """
        has_tls = (
            settings.temporal_api_key
            or settings.temporal_tls_ca
            or settings.temporal_tls_cert
            or settings.temporal_tls_key
        )
        return cls(
            settings.temporal_address,
            settings.temporal_namespace,
            _tls(settings) if has_tls else None,
            settings.temporal_api_key,
        )

    async def connect(self, *, lazy: bool = False) -> Client:
        """Return a client for the manager itself."""
        return await self._connect(lazy=lazy, compression=GrpcCompression.GZIP)

    async def connect_for_worker(self) -> Client:
        """Return a client for calls of workers. Several are needed (`shared_connections`)."""
        return await self._connect(lazy=True, compression=GrpcCompression.NONE)

    async def _connect(self, *, lazy: bool, compression: GrpcCompression) -> Client:
        return await Client.connect(
            self.address,
            namespace=self.namespace,
            data_converter=DATA_CONVERTER,
            tls=self.tls or False,
            api_key=self.api_key or None,
            lazy=lazy,
            grpc_compression=compression,
        )


def _tls(settings: ManagerSettings) -> TLSConfig:
    def content(name: str) -> bytes | None:
        file = str(getattr(settings, name))
        if not file:
            return None
        try:
            return (settings.data_dir / Path(file).expanduser()).read_bytes()
        except (OSError, RuntimeError) as problem:
            raise SettingsError(f"Setting {name}: {problem}") from problem

    if bool(settings.temporal_tls_cert) != bool(settings.temporal_tls_key):
        raise SettingsError("Settings temporal_tls_cert, temporal_tls_key: one of them is missing.")
    return TLSConfig(
        server_root_ca_cert=content("temporal_tls_ca"),
        client_cert=content("temporal_tls_cert"),
        client_private_key=content("temporal_tls_key"),
    )
