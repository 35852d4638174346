#include "launch/hello.h"

#include <limits>

#include "common/config.h"
#include "common/error.h"
#include "worker/saved_model.h"

namespace zhiyin::launch {

Manifest ParseHello(const Frame& hello, Command command, const RoleMap& roles) {
  const std::string where = "configuration from rank " + std::to_string(hello.source());
  const std::string_view bytes = hello.text();
  if (hello.source() != 0) Fail(where, ": expected it from rank 0");
  Manifest manifest;
  if (bytes.size() > std::numeric_limits<int>::max() ||
      !manifest.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    Fail(where, ": ", bytes.size(), " bytes that are no manifest");
  }
  *manifest.mutable_job() = ParseJob(JobToText(manifest.job()), where, "/", {});
  if (command == Command::kTrain) {
    CheckAgainstRoles(manifest.job(), roles.n_workers);
  } else {
    worker::CheckManifest(manifest, where);
  }
  return manifest;
}

}  // namespace zhiyin::launch
