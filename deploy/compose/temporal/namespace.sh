# Makes the namespace of the farm, if it is not there. The managers make the search attributes.
set -eu
temporal operator namespace describe --namespace tablao > /dev/null 2>&1 ||
  temporal operator namespace create --namespace tablao --retention 720h
