#include "launch/rank/launcher.h"

#include <unistd.h>

#include <cstdlib>
#include <initializer_list>

namespace zhiyin::launch::rank {
namespace {

int FirstNumber(std::initializer_list<const char*> names, int otherwise) {
  for (const char* name : names) {
    if (const char* text = std::getenv(name); text != nullptr && *text != '\0')
      return std::atoi(text);
  }
  return otherwise;
}

}  // namespace

int LaunchedRank() {
  return FirstNumber({"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"}, 0);
}

int LaunchedRanks() {
  // Not SLURM_NTASKS: a batch script has it too, for the whole allocation.
  return FirstNumber({"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}, 1);
}

bool StartedByLauncher() {
  return FirstNumber({"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"},
                     -1) >= 0;
}

std::string HostName() {
  char name[256] = "";
  gethostname(name, sizeof(name) - 1);
  return name;
}

}  // namespace zhiyin::launch::rank
