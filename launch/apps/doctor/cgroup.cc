#include "launch/apps/doctor/cgroup.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace zhiyin::launch::apps {
namespace {

namespace fs = std::filesystem;

/// Version 1 writes about 2^63 for "no limit".
constexpr int64_t kNoLimitBytes = int64_t{1} << 60;

/// The first number of a file; 0 when there is none ("max", or no such file).
double NumberIn(const fs::path& path) {
  std::ifstream file(path);
  double value = 0;
  return file >> value ? value : 0;
}

void TightenCores(double quota, double period, CgroupLimits* limits) {
  if (quota <= 0 || period <= 0) return;
  const double cores = quota / period;
  if (limits->cores == 0 || cores < limits->cores) limits->cores = cores;
}

void TightenMemory(double bytes, double used, CgroupLimits* limits) {
  if (bytes <= 0 || bytes >= static_cast<double>(kNoLimitBytes)) return;
  const int64_t limit = static_cast<int64_t>(bytes);
  if (limits->memory_bytes != 0 && limit >= limits->memory_bytes) return;
  limits->memory_bytes = limit;
  limits->memory_used_bytes = static_cast<int64_t>(used);
}

void ReadGroup(const fs::path& group, CgroupLimits* limits) {
  double quota = 0;
  double period = 0;
  std::ifstream cpu_max(group / "cpu.max");  // "200000 100000" or "max 100000"
  if (cpu_max >> quota >> period) TightenCores(quota, period, limits);
  TightenCores(NumberIn(group / "cpu.cfs_quota_us"), NumberIn(group / "cpu.cfs_period_us"), limits);
  TightenMemory(NumberIn(group / "memory.max"), NumberIn(group / "memory.current"), limits);
  TightenMemory(NumberIn(group / "memory.limit_in_bytes"),
                NumberIn(group / "memory.usage_in_bytes"), limits);
}

/// The group and all above it, up to the hierarchy's root. A container may see its own group as the
/// root, under a path that is not there.
void ReadUpwards(const fs::path& hierarchy, const fs::path& group, CgroupLimits* limits) {
  fs::path at = group.relative_path();
  while (!at.empty()) {
    ReadGroup(hierarchy / at, limits);
    at = at.parent_path();
  }
  ReadGroup(hierarchy, limits);
}

}  // namespace

CgroupLimits ReadCgroupLimits(std::string_view membership, const std::string& root) {
  CgroupLimits limits;
  std::istringstream lines{std::string(membership)};
  for (std::string line; std::getline(lines, line);) {
    // "NUMBER:CONTROLLERS:PATH"; version 2 has number 0 and no controllers.
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const fs::path group = line.substr(second + 1);
    if (controllers.empty()) {
      ReadUpwards(root, group, &limits);
      ReadUpwards(fs::path(root) / "unified", group, &limits);
    } else {
      ReadUpwards(fs::path(root) / controllers, group, &limits);
      std::istringstream names(controllers);
      for (std::string name; std::getline(names, name, ',');) {
        if (name != controllers) ReadUpwards(fs::path(root) / name, group, &limits);
      }
    }
  }
  return limits;
}

}  // namespace zhiyin::launch::apps
