#!/bin/bash
# The first process of a sandbox, which has name spaces of its own for processes and mounts. Its end ends all others.
# Usage: init.sh DIRECTORY "FIXED_FOLDER..." PROGRAM [ARGUMENT...]
set -eu
directory=$1 fixed_folders=$2
shift 2

# Programs have folders that no option changes; each sandbox gets its own by mounting one of its folders there.
for folder in $fixed_folders; do
  mkdir -p "$folder" "$directory/private$folder"
  mount --bind "$directory/private$folder" "$folder"
done

"$@" &
wait $!
