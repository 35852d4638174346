// Jobs on Census-Income that write checkpoints.
#pragma once

#include <cstdint>
#include <string>

#include "tests/support/zhiyin.h"

namespace zhiyin::testing {

/// The arguments of one; `checkpoint` is the text of train.checkpoint. A checkpoint has about 2 MB.
Arguments CensusWithCheckpoints(const std::string& output, int n_servers, int epochs,
                                const std::string& checkpoint);

/// Returns when there is one of this step or a later one. The test fails when there is none for
/// long.
void WaitForStep(const std::string& output, int64_t step);

}  // namespace zhiyin::testing
