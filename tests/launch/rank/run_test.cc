#include "launch/rank/run.h"

#include <gtest/gtest.h>

#include <csignal>

namespace zhiyin::launch::rank {
namespace {

TEST(SpeakOnSigtermDeathTest, PrintsALineAndEnds) {
  EXPECT_EXIT(
      {
        SpeakOnSigterm();
        std::raise(SIGTERM);
      },
      ::testing::ExitedWithCode(128 + SIGTERM),
      "^zhiyin: error: ended by SIGTERM: another rank died .mpirun says which., or somebody "
      "stopped the job\n$");
}

}  // namespace
}  // namespace zhiyin::launch::rank
