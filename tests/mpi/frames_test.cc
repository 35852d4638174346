// Frames over real MPI, in one piece and in parts.
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/support/files.h"
#include "tests/support/process.h"
#include "tests/support/ranks.h"

namespace zhiyin::testing {
namespace {

ProcessResult Exchange(int n_ranks, size_t part, size_t largest,
                       const std::vector<std::string>& before = {},
                       const std::vector<std::string>& options = {}) {
  std::vector<std::string> command = before;
  command.push_back(SourcePath("launch/mpirun.sh"));
  command.insert(command.end(), options.begin(), options.end());
  for (const std::string& word :
       {std::string("-n"), std::to_string(n_ranks), std::string(FRAMES_BINARY),
        std::to_string(part), std::to_string(largest)})
    command.push_back(word);
  return RunProcess(command, 100);
}

TEST(Frames, ArriveWholeAndInOrderWhateverTheirSize) {
  for (const size_t part : {size_t{64}, size_t{4096}, size_t{1} << 20}) {
    const ProcessResult result = Exchange(3, part, 50 * part + 1);
    EXPECT_EQ(result.exit_code, 0) << "parts of " << part << ": " << result.err;
  }
}

/// Three ranks on one processor, who wake each other: in one copy, in pieces through shared memory,
/// over TCP.
TEST(Frames, ArriveOnACrowdedHost) {
  for (const char* option : {"btl_vader_single_copy_mechanism=cma",
                             "btl_vader_single_copy_mechanism=none", "btl=tcp,self"}) {
    const std::string name(option, std::strchr(option, '='));
    const ProcessResult result =
        Exchange(3, size_t{1} << 20, (size_t{4} << 20) + 1, OnOneProcessor(),
                 {"--mca", name, std::strchr(option, '=') + 1});
    EXPECT_EQ(result.exit_code, 0) << option << ": " << result.err;
  }
}

TEST(ThoroughFrames, MayBeLargerThanAnIntCounts) {
  const int64_t available = sysconf(_SC_AVPHYS_PAGES) * sysconf(_SC_PAGESIZE);
  if (available < int64_t{16} << 30) GTEST_SKIP() << "needs 16 GiB of free memory";
  const ProcessResult result = Exchange(2, size_t{64} << 20, 3 * (size_t{1} << 30) + 5);
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

}  // namespace
}  // namespace zhiyin::testing
