// What a container or a scheduler leaves of a host to this process.
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

/// The tightest limits on the way from the process' control groups up to the root, version 1 or 2.
/// `membership` is the text of /proc/self/cgroup, `root` where the hierarchies are: /sys/fs/cgroup.
/// What is not there limits nothing.
CgroupLimits ReadCgroupLimits(std::string_view membership, const std::string& root);

}  // namespace zhiyin::launch::apps
