"""The name of the build that our Temporal workers report."""

from importlib.metadata import version

from temporalio.common import WorkerDeploymentVersion
from temporalio.worker import WorkerDeploymentConfig

#: Without an explicit version, the SDK hashes every module of the process. That blocks the event
#: loop for seconds, so that a host misses its first beats.
DEPLOYMENT = WorkerDeploymentConfig(
    version=WorkerDeploymentVersion("tablao", version("tablao")), use_worker_versioning=False
)
