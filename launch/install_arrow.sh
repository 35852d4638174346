#!/usr/bin/env bash
# Puts the Arrow library, for the plugin that reads Parquet and Arrow files, into a folder of the build. The next cmake finds it
# there. Debian 12 has no package of it, so it is taken from the wheel pyarrow, which holds it with its headers. Does nothing when
# it is there.
# usage: launch/install_arrow.sh [FOLDER]      default: build/arrow; others are told cmake by -DZHIYIN_ARROW_DIR=FOLDER
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=26.0.1
folder=${1:-build/arrow}
python=$(command -v python3) || {
  echo "launch/install_arrow.sh: there is no python3, expected it with pip: launch/install_packages.sh arrow" >&2
  exit 1
}
if [[ -e "$folder/pyarrow-$version.dist-info" && -e "$folder/python" ]]; then
  exit 0
fi

# Made beside its place, so that half of it is never taken for it.
new=$folder.new
rm -rf "$new"
mkdir -p "$new"
echo "installing: pyarrow $version in $folder"
if ! "$python" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps --only-binary :all: \
  --target "$new" "pyarrow==$version" >"$new/pip.log" 2>&1; then
  reason=$(grep -E '^ERROR' "$new/pip.log" | tail -n 1 || true)
  rm -rf "$new"
  echo "launch/install_arrow.sh: pip cannot get pyarrow $version (${reason:-is there a network?}): only Parquet and Arrow" \
    "files need it" >&2
  exit 1
fi
rm -f "$new/pip.log"
# The tests write files with it.
ln -s "$("$python" -c 'import sys; print(sys.executable)')" "$new/python"
rm -rf "$folder"
mv "$new" "$folder"
