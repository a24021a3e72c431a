#!/bin/sh
# Looks for what the integration tests need beside the dependencies; installs an SSH server where that is possible.
set -eu

if ! command -v git >/dev/null; then
  echo "setup: git is needed (Debian: apt-get install git)" >&2
  exit 1
fi
if [ ! -x "$(git --exec-path)/git-http-backend" ]; then
  echo "setup: git-http-backend is missing: the tests of repositories over HTTP cannot run" >&2
fi
"$(dirname "$0")/setup-containers.sh"
if ! command -v lua5.1 >/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "setup: installing lua5.1 for the tests of Argo CD's health checks" >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends lua5.1 >/dev/null || true
  fi
  command -v lua5.1 >/dev/null ||
    echo "setup: no lua5.1 found: THE TESTS OF ARGO CD'S HEALTH CHECKS ARE PASSED OVER (Debian: apt-get install lua5.1)" >&2
fi
if command -v sshd >/dev/null || [ -x /usr/sbin/sshd ]; then
  exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "setup: installing openssh-server for the tests of repositories over SSH" >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openssh-server >/dev/null && exit 0
fi
echo "setup: no sshd found: THE TESTS OF REPOSITORIES OVER SSH ARE PASSED OVER (Debian: apt-get install openssh-server)" >&2
