#include <optional>

#include "launch/rank/handshake.h"
#include "ps/server/server.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "tests/support/example_jobs.h"
#include "worker/saved/saved_model.h"

namespace zhiyin::fuzz {
namespace {

constexpr net::RoleMap kHandshakeRoles{1, 2};

}  // namespace

/// The first byte chooses the command, the others are the message.
int FuzzHandshakeReply(const uint8_t* data, size_t size) {
  if (size < 1) return -1;
  net::Frame reply(net::FrameKind::kHandshakeReply, 1, 0,
                   std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  reply.Arrived(0);
  const launch::rank::Command command =
      data[0] % 2 == 0 ? launch::rank::Command::kTrain : launch::rank::Command::kEvaluate;
  std::optional<Job> job;
  Judge("rank 0", [&] {
    job = launch::rank::ParseHandshakeReply(reply, command, kHandshakeRoles).start.manifest.job();
  });
  if (!job) return 0;
  // A server is what is made of it next. It says what is wrong with a job that came as it was sent.
  Judge("table ", [&] {
    for (const ps::table::TableSpec& spec : ps::table::TableSpecs(*job))
      ps::table::Table(spec, job->train().seed());
  });
  return 0;
}

std::vector<std::string> HandshakeReplySeeds() {
  std::vector<std::string> seeds;
  for (const Job& job : testing::JobOfEveryModel()) {
    launch::rank::HandshakeReply reply{{"node-a", "node-b", "node-b"}, {}};
    Manifest& manifest = reply.start.manifest;
    *manifest.mutable_job() = job;
    seeds.push_back('\0' + launch::rank::SerializeHandshakeReply(reply));
    manifest.set_format_version(worker::saved::kModelFormatVersion);
    manifest.mutable_numeric_mean()->Resize(job.numeric_size(), 0.5f);
    manifest.mutable_numeric_scale()->Resize(job.numeric_size(), 2.0f);
    reply.start.rows = "/models/a";
    seeds.push_back('\1' + launch::rank::SerializeHandshakeReply(reply));
  }
  return seeds;
}

}  // namespace zhiyin::fuzz
