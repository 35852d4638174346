// The limits that a container or a scheduler sets on this process.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace zhiyin::launch::apps {

struct CgroupLimits {
  double cores = 0;               // 0: no limit
  int64_t memory_bytes = 0;       // 0: no limit
  int64_t memory_used_bytes = 0;  // of the group that has the limit
};

/// Returns the tightest limits of the process' control groups, version 1 or 2, and their ancestors.
/// `membership` is the text of /proc/self/cgroup, `root` the folder of the hierarchies,
/// /sys/fs/cgroup. Files that are missing set no limit.
CgroupLimits ReadCgroupLimits(std::string_view membership, const std::string& root);

}  // namespace zhiyin::launch::apps
