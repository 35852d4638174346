#!/usr/bin/env bash
# Installs the Debian packages that building, running and testing need. Does nothing when all are there.
# usage: launch/install_packages.sh [test]      with "test": those that only the tests need, too
set -euo pipefail

packages=(cmake ninja-build g++ pkg-config ccache openmpi-bin libopenmpi-dev libeigen3-dev libprotobuf-dev
          protobuf-compiler libgoogle-glog-dev libgflags-dev zlib1g-dev nlohmann-json3-dev libxxhash-dev)
if [[ "${1:-}" == test ]]; then
  packages+=(libgtest-dev libgmock-dev libbenchmark-dev)
fi

missing=()
for package in "${packages[@]}"; do
  if ! dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed'; then
    missing+=("$package")
  fi
done
if ((${#missing[@]} == 0)); then
  exit 0
fi

sudo=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "these packages are missing, and there is no sudo to install them with: ${missing[*]}" >&2
    exit 1
  fi
  sudo=(sudo)
fi
echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${sudo[@]}" apt-get update -qq
"${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
