#!/bin/bash
# containerd and a kubelet; ends when either does.
# Usage: run.sh DIRECTORY CONTAINERD_FOLDER KUBELET [ARGUMENT...]
set -eu
directory=$1 containerd=$2
shift 2

# containerd finds its shim by the name.
PATH=$containerd:$PATH "$containerd/containerd" --config "$directory/containerd.toml" &
until [ -S "$directory/containerd.sock" ]; do
  kill -0 $! || exit 1
  sleep 0.02
done
"$@" &
wait -n
