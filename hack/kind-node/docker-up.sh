#!/usr/bin/env bash
# Makes a Docker engine answer on this machine: installs Debian's packages when
# dockerd is missing, starts the daemon when none is running. Needs root.
set -euo pipefail

docker info >/dev/null 2>&1 && exit 0
[ "$(id -u)" = 0 ] || { echo "docker-up: no Docker engine answers, and bringing one up needs root: start Docker, or run this as root" >&2; exit 1; }

here=$(cd "$(dirname "$0")" && pwd)
if ! command -v dockerd >/dev/null || ! command -v iptables >/dev/null || ! command -v jq >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    docker.io containerd runc iptables iproute2 jq >/dev/null
fi

# The daemon outlives this checkout, and starts its runtime for every container.
runtime=/usr/local/lib/posnet/runc-within-limits
install -D -m 755 "$here/runc-within-limits" "$runtime"

log=${DOCKERD_LOG:-/var/log/dockerd.log}
setsid nohup dockerd \
  --add-runtime within-limits="$runtime" --default-runtime within-limits >"$log" 2>&1 </dev/null &
for _ in $(seq 60); do
  docker info >/dev/null 2>&1 && exit 0
  sleep 1
done
echo "docker-up: dockerd did not answer in 60 s; its log is $log" >&2
exit 1
