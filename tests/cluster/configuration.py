"""What Temporal's services are told: one file for all of them, and the values of the farm."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import make_url

from manager_api.temporal.process import DYNAMIC_CONFIG
from tests.cluster.certificates import SERVER_NAME, Pair

#: It also connects through a socket on disk, which the tests' PostgreSQL has.
PLUGIN = "postgres12_pgx"
DATABASE, VISIBILITY = "temporal", "temporal_visibility"
#: Fixed for the life of a cluster. A large one has hundreds; each costs work though idle.
_SHARDS = 4


class Service(StrEnum):
    """One of Temporal's services, as `--service` names it."""

    FRONTEND = "frontend"
    HISTORY = "history"
    MATCHING = "matching"
    WORKER = "worker"


#: Temporal's own worker shows no token, so it calls a frontend that asks for none, only for the
#: certificate of a service. It is in the frontend's process.
INTERNAL_FRONTEND = "internal-frontend"


@dataclass(frozen=True, slots=True)
class Postgres:
    """A PostgreSQL server as Temporal's programs name it."""

    address: str
    port: int
    user: str
    password: str
    attributes: Mapping[str, str]
    """Of the connection; `host` is the folder of a socket."""

    @classmethod
    def of(cls, url: str) -> "Postgres":
        """
        Args:
            url: SQLAlchemy's address of a database of the server.
        """
        parsed = make_url(url)
        socket = parsed.query.get("host")
        return cls(
            parsed.host or "127.0.0.1",
            parsed.port or 5432,
            parsed.username or "",
            parsed.password or "",
            {"host": str(socket)} if socket else {},
        )

    def datastore(self, database: str, connections: int) -> dict[str, Any]:
        return {
            "sql": {
                "pluginName": PLUGIN,
                "databaseName": database,
                "connectAddr": f"{self.address}:{self.port}",
                "connectProtocol": "tcp",
                "connectAttributes": dict(self.attributes),
                "user": self.user,
                "password": self.password,
                "maxConns": connections,
                "maxIdleConns": connections,
                "maxConnLifetime": "1h",
            }
        }


def write_dynamic(file: Path) -> None:
    """Write the values that the embedded Temporal gets as options, in the form of a file."""
    content = {key: [{"value": _value(value)}] for key, value in DYNAMIC_CONFIG.items()}
    file.write_text(yaml.safe_dump(content))


def _value(value: int | str) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def write_static(
    file: Path,
    postgres: Postgres,
    ports: Mapping[str, tuple[int, int]],
    tls: dict[str, Any],
    keys: str,
    dynamic: Path,
) -> None:
    """Write the file that all services share.

    Args:
        file: where to.
        postgres: with both databases.
        ports: of gRPC and of the membership's gossip, by service.
        tls: see `mutual_tls`.
        keys: the address of the page with the key of tokens.
        dynamic: the file of `write_dynamic`.
    """
    frontend = f"127.0.0.1:{ports[Service.FRONTEND][0]}"
    active = {
        "enabled": True,
        "initialFailoverVersion": 1,
        "rpcName": "frontend",
        "rpcAddress": frontend,
    }
    content = {
        "log": {"stdout": True, "level": "warn"},
        "persistence": {
            "defaultStore": "default",
            "visibilityStore": "visibility",
            "numHistoryShards": _SHARDS,
            "datastores": {
                "default": postgres.datastore(DATABASE, 8),
                "visibility": postgres.datastore(VISIBILITY, 3),
            },
        },
        "global": {
            "membership": {"maxJoinDuration": "30s", "broadcastAddress": "127.0.0.1"},
            "tls": tls,
            "authorization": {
                "jwtKeyProvider": {"keySourceURIs": [keys], "refreshInterval": "1m"},
                "permissionsClaimName": "permissions",
                "authorizer": "default",
                "claimMapper": "default",
            },
        },
        "services": {
            name: {"rpc": {"grpcPort": grpc, "membershipPort": gossip, "bindOnLocalHost": True}}
            for name, (grpc, gossip) in ports.items()
        },
        "clusterMetadata": {
            "enableGlobalNamespace": False,
            "failoverVersionIncrement": 10,
            "masterClusterName": "active",
            "currentClusterName": "active",
            "clusterInformation": {"active": active},
        },
        "dcRedirectionPolicy": {"policy": "noop"},
        "dynamicConfigClient": {"filepath": str(dynamic), "pollInterval": "60s"},
    }
    file.write_text(yaml.safe_dump(content))


def mutual_tls(services: Path, clients: Path, pair: Pair) -> dict[str, Any]:
    """Both sides of each connection show a certificate: between services, and to clients.

    Args:
        services: the authority of the services' certificates.
        clients: that of clients. It is another one: who shows a service's certificate to the
            internal frontend needs no token.
        pair: what a service shows.
    """

    def server(shown_by: Path) -> dict[str, Any]:
        return {
            "certFile": str(pair.certificate),
            "keyFile": str(pair.key),
            "requireClientAuth": True,
            "clientCaFiles": [str(shown_by)],
        }

    client = {"serverName": SERVER_NAME, "rootCaFiles": [str(services)]}
    return {
        "internode": {"server": server(services), "client": client},
        "frontend": {"server": server(clients), "client": client},
    }
