// Frames over real MPI, in one piece and in parts.
#include <gmock/gmock.h>
#include <unistd.h>

#include "tests/support/files.h"
#include "tests/support/process.h"

namespace zhiyin::testing {
namespace {

ProcessResult Exchange(int n_ranks, size_t part, size_t largest) {
  return RunProcess({SourcePath("launch/mpirun.sh"), "-n", std::to_string(n_ranks), FRAMES_BINARY,
                     std::to_string(part), std::to_string(largest)},
                    100);
}

TEST(Frames, ArriveWholeAndInOrderWhateverTheirSize) {
  for (const size_t part : {size_t{64}, size_t{4096}, size_t{1} << 20}) {
    const ProcessResult result = Exchange(3, part, 50 * part + 1);
    EXPECT_EQ(result.exit_code, 0) << "parts of " << part << ": " << result.err;
  }
}

TEST(Frames, MayBeLargerThanAnIntCounts) {
  const int64_t available = sysconf(_SC_AVPHYS_PAGES) * sysconf(_SC_PAGESIZE);
  if (available < int64_t{16} << 30) GTEST_SKIP() << "needs 16 GiB of free memory";
  const ProcessResult result = Exchange(2, size_t{64} << 20, 3 * (size_t{1} << 30) + 5);
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

}  // namespace
}  // namespace zhiyin::testing
