// The program itself, under mpirun and simulated.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/process.h"

namespace zhiyin::testing {

using Arguments = std::vector<std::string>;

/// The command line of `zhiyin ARGUMENTS` with `n_ranks` ranks under mpirun; 0: without mpirun.
std::vector<std::string> ZhiyinCommand(int n_ranks, const Arguments& arguments);
ProcessResult RunZhiyin(int n_ranks, const Arguments& arguments, double timeout_s = 100);

/// Runs a training job, expects success, and returns its summary.json. n_ranks as above.
nlohmann::json Train(int n_ranks, const Arguments& arguments);

/// Returns when the training job with this output folder has finished an epoch. The test fails
/// when it has finished none for a minute.
void WaitForEpoch(const std::string& output);

/// Lines of standard error that begin with "zhiyin: error: ", without that.
std::vector<std::string> ErrorLines(const ProcessResult& result);
/// All other lines of standard error that are not empty and not Open MPI's own notices.
std::vector<std::string> OtherLines(const ProcessResult& result);

}  // namespace zhiyin::testing
