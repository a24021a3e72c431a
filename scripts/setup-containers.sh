#!/bin/sh
# Installs what the tests with containers need from Debian: a registry, a container runtime with its network plug-ins,
# a Docker engine; builds the functions that they run. Says what to install where it cannot. Starts no service.
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/node_modules/.bin:$PATH:/usr/sbin:/sbin

missing=
# need PROGRAM PACKAGE
need() {
  command -v "$1" >/dev/null || missing="$missing $2"
}

need docker-registry docker-registry
need runc runc
need /usr/lib/cni/bridge containernetworking-plugins
need ip iproute2
need openssl openssl
need perl perl-base
need dockerd docker.io
need docker docker.io

if [ -n "$missing" ]; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "setup: missing:$missing. The tests with containers cannot run. As root on Debian: apt-get install$missing" >&2
    exit 1
  fi
  echo "setup: installing$missing for the tests with containers" >&2
  apt-get update -qq
  # With the run level of a rescue system, Debian's scripts start no service after the installation.
  # shellcheck disable=SC2086
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

if ! command -v go >/dev/null && [ ! -x /usr/local/go/bin/go ]; then
  echo "setup: go is missing: the function images of the tests cannot be built (1.26 or newer: https://go.dev/doc/install)" >&2
  exit 1
fi
node test/env/images/build.ts
