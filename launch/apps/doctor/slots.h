// How many ranks mpirun will start, and who says so.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace zhiyin::launch::apps {

enum class SlotSource { kHostfile, kSlurm, kMpirun, kCores };

struct Slots {
  int n = 0;
  SlotSource source = SlotSource::kCores;
  std::string name;       // of the hostfile
  std::string breakdown;  // "a 4, b 2"; "" where it is not known
  std::string unknown;    // hosts of a hostfile without slots=, whose cores mpirun will count: "c,
                          // d"; then n is a lower bound
};

/// Slots in a hostfile as Open MPI 4 reads it: `NAME [slots=N] [max_slots=N]` a line; a name that
/// comes again has one slot more; a host without slots= has as many as it has cores, which only
/// `cores_of` knows (0: it does not). Throws Error("NAME:LINE: ...").
Slots SlotsOfHostfile(std::string_view text, const std::string& name,
                      const std::function<int(const std::string& host)>& cores_of);

/// Slots in SLURM_TASKS_PER_NODE: "4(x2),3" is 11. Nothing when it is not of that form.
std::optional<Slots> SlotsOfSlurm(std::string_view tasks_per_node);

/// What holds here: the hostfile if one is named, else what mpirun told this process, else Slurm's
/// allocation, else this machine's cores.
Slots FindSlots(const std::string& hostfile);

}  // namespace zhiyin::launch::apps
