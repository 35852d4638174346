#include "launch/hello.h"

#include "ps/server.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "tests/support/example_jobs.h"

namespace zhiyin::fuzz {
namespace {

constexpr RoleMap kRoles{1, 2};

}  // namespace

int FuzzHello(const uint8_t* data, size_t size) {
  Frame hello(FrameKind::kHello, 1, 0, std::string_view(reinterpret_cast<const char*>(data), size));
  hello.Arrived(0);
  Judge([&] {
    // A server is what is made of it next.
    const Manifest manifest = launch::ParseHello(hello, kRoles);
    for (const ps::TableSpec& spec : ps::TableSpecs(manifest.job()))
      ps::Table(spec, manifest.job().train().seed());
  });
  return 0;
}

std::vector<std::string> HelloSeeds() {
  std::vector<std::string> seeds;
  for (const Job& job : testing::JobOfEveryModel()) {
    Manifest manifest;
    *manifest.mutable_job() = job;
    seeds.push_back(manifest.SerializeAsString());
  }
  return seeds;
}

}  // namespace zhiyin::fuzz
