#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "worker/profile.h"

namespace zhiyin::fuzz {

int FuzzProfile(const uint8_t* data, size_t size) {
  Judge("profile of a worker", [&] {
    const std::vector<double> seconds = worker::ParseSeconds({reinterpret_cast<const char*>(data), size});
    worker::ProfileTable("a worker", worker::kStageNames, seconds);
  });
  return 0;
}

std::vector<std::string> ProfileSeeds() {
  std::vector<double> seconds(worker::kStageNames.size());
  const std::string none = worker::SerializeSeconds(seconds);
  for (size_t s = 0; s < seconds.size(); ++s) seconds[s] = 0.25 * static_cast<double>(s);
  return {none, worker::SerializeSeconds(seconds)};
}

}  // namespace zhiyin::fuzz
