"""How our Temporal workers name their build."""

from importlib.metadata import version

from temporalio.common import WorkerDeploymentVersion
from temporalio.worker import WorkerDeploymentConfig

#: Said outright: left to itself, the SDK hashes every module of the process, for seconds and in
#: the event loop, and a host misses its first beats.
DEPLOYMENT = WorkerDeploymentConfig(
    version=WorkerDeploymentVersion("tablao", version("tablao")), use_worker_versioning=False
)
