#!/usr/bin/env bash
# Checks that C++ files are formatted as .clang-format says, and that no line of the documents is wider than 120 columns.
# usage: tests/check_format.sh [FILE...]      default: every tracked file; exit code 1 names what is wrong
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if (($# > 0)); then
  files=("$@")
else
  mapfile -d '' files < <(git ls-files -z -- '*.cc' '*.h' '*.md')
fi
code=()
documents=()
for file in "${files[@]}"; do
  case "$file" in
    *.cc | *.h) code+=("$file") ;;
    *.md) documents+=("$file") ;;
  esac
done

failed=0
if ((${#code[@]} > 0)) && ! clang-format --dry-run -Werror "${code[@]}"; then
  echo "badly formatted: run clang-format -i on the files above" >&2
  failed=1
fi
# Columns, not bytes; a table row cannot be broken, and a Chinese character takes two columns.
if ((${#documents[@]} > 0)) && ! LC_ALL=C.UTF-8 awk '
    length($0) > 120 && !/^\|/ { print FILENAME ":" FNR ": " length($0) " columns, at most 120"; wide = 1 }
    END { exit wide }' "${documents[@]}" >&2; then
  failed=1
fi
exit "$failed"
