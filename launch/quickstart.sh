#!/usr/bin/env bash
# From a fresh Debian 12 machine to trained models: installs what is missing, builds, trains a two-task mixture of experts on
# Census-Income with two parameter servers and two workers, then generates a shop, trains on it and recommends to three of its visitors. May
# be run again.
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

echo
echo "A shop: its visitors, what they were shown, clicked and bought"
echo "zhiyin generate shop --output=output/shop --set n_events=400000"
build/release/zhiyin generate shop --output=output/shop --set n_events=400000 --overwrite
for job in shop_esmm shop_towers; do
  echo
  echo "mpirun -n 3 zhiyin train --config=configs/$job.textproto --output=output/$job --overwrite"
  launch/mpirun.sh -n 3 build/release/zhiyin train --config=configs/$job.textproto --output=output/$job --overwrite
done
echo
echo "What to show three of them next: the towers retrieve, clicks and conversions rank. New items, from number 300 on, are known by their content alone."
echo 'zhiyin recommend --checkpoint=output/shop_towers --ranker=output/shop_esmm --formula="click * conversion^0.5" --users=output/three --k=5 --format=text'
printf 'ada-0\ncleo-26\nzoe-47\n' >output/three
build/release/zhiyin recommend --checkpoint=output/shop_towers --ranker=output/shop_esmm --formula="click * conversion^0.5" --users=output/three --k=5 --format=text
