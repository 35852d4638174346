// Odd texts of all kinds of columns: `zhiyin predict`, `zhiyin serve` and a reader in Python, which
// shares nothing with them, have one opinion of what they mean.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "tests/support/files.h"
#include "tests/support/process.h"

namespace zhiyin::testing {
namespace {

/// Runs the comparison with so many rows, if there is a Python to run it.
void CompareOddRows(int n_rows, int seed, double timeout_s) {
  const char* const version = "import sys; sys.exit(sys.version_info < (3, 9))";
  if (RunProcess({"python3", "-c", version}, 60).exit_code != 0)
    GTEST_SKIP() << "no python3 of version 3.9 or later, which is the reader to compare with";
  const TempFolder folder;
  // -B: the source tree gets no compiled files.
  const ProcessResult result =
      RunProcess({"python3", "-B", SourcePath("tests/odd_rows/odd_rows.py"), ZHIYIN_BINARY,
                  folder.Path(), std::to_string(n_rows), std::to_string(seed)},
                 timeout_s);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  std::printf("%s", result.out.c_str());
}

TEST(OddRows, AreReadByPredictAndServeAsByAnIndependentReader) {
  CompareOddRows(500, 1, 400);
}

TEST(OddRows, ThoroughTenThousandAreReadByPredictAndServeAsByAnIndependentReader) {
  CompareOddRows(10'000, 2, 800);
}

}  // namespace
}  // namespace zhiyin::testing
