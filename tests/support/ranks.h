// The ranks of a running job, as the operating system sees them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/process.h"

namespace zhiyin::testing {

/// The process ids of a job's ranks, by rank, once all are there; `argument` stands on their
/// command line.
std::vector<int> RanksOf(const BackgroundProcess& job, const std::string& argument, size_t n_ranks);

/// What runs a command, mpirun and all its ranks among them, on one processor.
std::vector<std::string> OnOneProcessor();

/// Returns when the processes are gone. The test fails when one is still there after a minute.
void WaitForEnd(const std::vector<int>& pids);

/// VmRSS. 0 when the process is gone.
int64_t ResidentBytes(int pid);
/// User and system time so far, in steps of a clock tick. 0 when the process is gone.
double CpuSeconds(int pid);

}  // namespace zhiyin::testing
