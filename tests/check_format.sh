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
# A row of a table cannot be broken.
if ((${#documents[@]} > 0)) && ! perl -CSD -ne '
    chomp;
    if (length > 120 && !/^\|/) { print STDERR "$ARGV:$.: ", length, " columns, expected at most 120\n"; $wide = 1 }
    close ARGV if eof;
    END { exit($wide // 0) }' "${documents[@]}"; then
  failed=1
fi
exit "$failed"
