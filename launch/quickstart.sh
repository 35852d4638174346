#!/usr/bin/env bash
# From a fresh Debian 12 machine to a trained model: installs what is missing, builds, and trains a two-task mixture of experts on
# Census-Income with two parameter servers and two workers. May be run again.
# usage: launch/quickstart.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

launch/install_packages.sh
if [[ ! -f build/release/build.ninja ]]; then
  cmake --preset release -DZHIYIN_BUILD_TESTS=OFF >/dev/null
fi
echo "building (a few minutes the first time)"
cmake --build --preset release --target zhiyin

output=output/census_mmoe
echo
echo "mpirun -n 4 build/release/zhiyin train --config=configs/census_mmoe.textproto --servers=2 --output=$output --overwrite"
launch/mpirun.sh -n 4 build/release/zhiyin train --config=configs/census_mmoe.textproto --servers=2 --output="$output" --overwrite
echo
echo "The same numbers again from the saved model, with other ranks:"
echo "mpirun -n 3 build/release/zhiyin evaluate --checkpoint=$output"
launch/mpirun.sh -n 3 build/release/zhiyin evaluate --checkpoint="$output"
