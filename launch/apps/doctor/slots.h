// The number of ranks that mpirun will start, and where it comes from.
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
  std::string breakdown;  // slots by host, "a 4, b 2"; "" if unknown
  std::string unknown;    // hosts of a hostfile without slots=, whose cores mpirun will count: "c,
                          // d"; then n is a lower bound
};

/// Counts the slots in a hostfile as Open MPI 4 does. A line is `NAME [slots=N] [max_slots=N]`; a
/// repeated name adds one slot; a host without slots= has a slot for each of its cores.
/// cores_of(host) returns that number, 0 if unknown. Throws Error("NAME:LINE: ...") on a malformed
/// line.
Slots SlotsOfHostfile(std::string_view text, const std::string& name,
                      const std::function<int(const std::string& host)>& cores_of);

/// Counts the slots in the value of SLURM_TASKS_PER_NODE: "4(x2),3" is 11. Returns nothing for
/// other forms.
std::optional<Slots> SlotsOfSlurm(std::string_view tasks_per_node);

/// Returns the slots by the hostfile if one is named, else by mpirun's environment variables, else
/// by Slurm's allocation, else by the cores of this machine.
Slots FindSlots(const std::string& hostfile);

}  // namespace zhiyin::launch::apps
