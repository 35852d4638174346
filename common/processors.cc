#include "common/processors.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <thread>

namespace zhiyin {
namespace {

/// More processors than any kernel is built for.
constexpr size_t kMaxProcessors = size_t{1} << 20;

}  // namespace

std::vector<int> AllowedProcessors(const GetAffinity& get) {
  for (size_t n = CPU_SETSIZE; n <= kMaxProcessors; n *= 2) {
    const size_t n_bytes = CPU_ALLOC_SIZE(n);
    const auto sets = std::make_unique<cpu_set_t[]>(n_bytes / sizeof(cpu_set_t));
    if (get(n_bytes, sets.get()) != 0) {
      if (errno == EINVAL) continue;
      break;
    }
    std::vector<int> processors;
    for (size_t number = 0; number < n; ++number) {
      if (CPU_ISSET_S(number, n_bytes, sets.get())) processors.push_back(static_cast<int>(number));
    }
    return processors;
  }
  return {};
}

std::vector<int> AllowedProcessors() {
  return AllowedProcessors(
      [](size_t n_bytes, cpu_set_t* set) { return sched_getaffinity(0, n_bytes, set); });
}

int NumProcessors() {
  const size_t n = AllowedProcessors().size();
  return static_cast<int>(std::max<size_t>(n > 0 ? n : std::thread::hardware_concurrency(), 1));
}

}  // namespace zhiyin
