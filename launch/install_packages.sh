#!/usr/bin/env bash
# Installs the Debian packages that building, running and testing need. Does nothing when all are there.
# usage: launch/install_packages.sh [test] [tidy] [sanitize] [bench] [cluster] [arrow]
#        "test", "tidy", "sanitize", "bench": also those that only tests, tests/check_tidy.sh, the presets asan, tsan and fuzz,
#        or benchmarks need; "cluster": also those that the tests over several hosts need, an SSH server among them, which is
#        neither started now nor at the next boot
#        "arrow": the Arrow library, for Parquet and Arrow files (launch/install_arrow.sh)
set -euo pipefail

arrow=0
packages=(cmake ninja-build g++ pkg-config ccache openmpi-bin libopenmpi-dev libeigen3-dev libprotobuf-dev
          protobuf-compiler libgoogle-glog-dev libgflags-dev zlib1g-dev nlohmann-json3-dev libxxhash-dev libboost-dev
          libhnswlib-dev libonnx-dev libzip-dev libisal-dev libsimdjson-dev libzstd-dev liblz4-dev libbz2-dev liblzma-dev
          libdnnl-dev)
for group in "$@"; do
  case "$group" in
    test) packages+=(libgtest-dev libgmock-dev clang clang-format libcpp-httplib-dev) ;;
    tidy) packages+=(clang-tidy) ;;
    sanitize) packages+=(clang libclang-rt-dev llvm) ;;
    bench) packages+=(libbenchmark-dev) ;;
    cluster) packages+=(iproute2 openssh-client openssh-server util-linux) ;;
    arrow)
      arrow=1
      packages+=(python3 python3-pip)
      ;;
    *)
      echo "$group: expected test, tidy, sanitize, bench, cluster or arrow" >&2
      exit 1
      ;;
  esac
done

missing=()
for package in "${packages[@]}"; do
  if ! dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed'; then
    missing+=("$package")
  fi
done
install_arrow() {
  if ((arrow)); then
    "$(dirname "${BASH_SOURCE[0]}")/install_arrow.sh"
  fi
}
if ((${#missing[@]} == 0)); then
  install_arrow
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

# Debian starts a server as soon as it is installed, unless this file says no.
brings_ssh_server=0
if [[ " ${missing[*]} " == *" openssh-server "* ]]; then
  brings_ssh_server=1
  policy=/usr/sbin/policy-rc.d
  if [[ -e "$policy" ]]; then
    "${sudo[@]}" mv "$policy" "$policy.kept-by-zhiyin"
    trap '"${sudo[@]}" mv "$policy.kept-by-zhiyin" "$policy"' EXIT
  else
    trap '"${sudo[@]}" rm -f "$policy"' EXIT
  fi
  printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null
  "${sudo[@]}" chmod 755 "$policy"
fi
"${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
if ((brings_ssh_server)) && command -v systemctl >/dev/null; then
  "${sudo[@]}" systemctl disable --quiet ssh.service
fi
install_arrow
