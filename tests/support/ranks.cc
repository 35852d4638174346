#include "tests/support/ranks.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <thread>

#include "common/processors.h"

namespace zhiyin::testing {
namespace {

/// The rank that mpirun gave a process; -1 where it is gone.
int RankOf(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/environ");
  const std::string name = "OMPI_COMM_WORLD_RANK=";
  for (std::string variable; std::getline(file, variable, '\0');) {
    if (variable.starts_with(name)) return std::stoi(variable.substr(name.size()));
  }
  return -1;
}

}  // namespace

std::vector<int> RanksOf(const BackgroundProcess& job, const std::string& argument,
                         size_t n_ranks) {
  std::vector<int> ranks;
  for (int i = 0; i < 500 && ranks.size() < n_ranks; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ranks = job.Descendants(argument);
    std::erase_if(ranks, [](int pid) {
      std::error_code gone;
      const auto program =
          std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe", gone);
      return program.filename() != "zhiyin";
    });
  }
  // Not by process ids, which begin again at small numbers now and then.
  std::ranges::sort(ranks, {}, RankOf);
  return ranks;
}

std::vector<std::string> OnOneProcessor() {
  const int first = AllowedProcessors().at(0);
  // mpirun would bind few ranks to a core each.
  return {"env", "OMPI_MCA_hwloc_base_binding_policy=none", "taskset", "-c", std::to_string(first)};
}

void WaitForEnd(const std::vector<int>& pids) {
  for (const int pid : pids) {
    for (int i = 0; i < 6000 && kill(pid, 0) == 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_NE(kill(pid, 0), 0) << "process " << pid << " is still there";
  }
}

int64_t ResidentBytes(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  int64_t total_pages = 0;
  int64_t resident_pages = 0;
  file >> total_pages >> resident_pages;
  return resident_pages * sysconf(_SC_PAGESIZE);
}

double CpuSeconds(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat;
  std::getline(file, stat);
  const size_t behind_name = stat.rfind(')');  // the name may hold anything
  if (behind_name == std::string::npos) return 0;
  std::istringstream rest(stat.substr(behind_name + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) rest >> skipped;
  double user_ticks = 0;
  double system_ticks = 0;
  rest >> user_ticks >> system_ticks;
  return (user_ticks + system_ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace zhiyin::testing
