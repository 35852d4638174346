#include "tests/support/census_checkpoints.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/support/files.h"
#include "worker/saved/checkpoints.h"

namespace zhiyin::testing {

Arguments CensusWithCheckpoints(const std::string& output, int n_servers, int epochs,
                                const std::string& checkpoint) {
  return {"train",
          "--config=" + SourcePath("configs/census_mmoe.textproto"),
          "--servers=" + std::to_string(n_servers),
          "--progress=none",
          "--set",
          "train.epochs=" + std::to_string(epochs),
          "--set",
          "train.checkpoint={" + checkpoint + "}",
          "--output=" + output};
}

void WaitForStep(const std::string& output, int64_t step) {
  for (int i = 0; i < 6000 && worker::saved::NewestStep(output).value_or(-1) < step; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ASSERT_GE(worker::saved::NewestStep(output).value_or(-1), step) << "the job writes no checkpoint";
}

}  // namespace zhiyin::testing
