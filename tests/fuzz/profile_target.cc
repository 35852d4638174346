#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "worker/train/profile.h"

namespace zhiyin::fuzz {

int FuzzProfile(const uint8_t* data, size_t size) {
  Judge("profile of a worker", [&] {
    const std::vector<double> seconds =
        worker::train::ParseSeconds({reinterpret_cast<const char*>(data), size});
    worker::train::ProfileTable("a worker", worker::train::kStageNames, seconds);
  });
  return 0;
}

std::vector<std::string> ProfileSeeds() {
  std::vector<double> seconds(worker::train::kStageNames.size());
  const std::string none = worker::train::SerializeSeconds(seconds);
  for (size_t s = 0; s < seconds.size(); ++s) seconds[s] = 0.25 * static_cast<double>(s);
  return {none, worker::train::SerializeSeconds(seconds)};
}

}  // namespace zhiyin::fuzz
