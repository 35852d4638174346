#include <glog/logging.h>

#include "ps/server/server.h"
#include "tests/fuzz/conversation.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/targets.h"
#include "tests/support/files.h"

namespace zhiyin::fuzz {
namespace {

constexpr int kServerRank = 0;
constexpr int kServerStalenesses[] = {-1, 0, 1};

/// The name of the file that the recorded conversation saves to, in a folder which is gone since.
constexpr std::string_view kSavedName = "/rows-0-of-2.bin";

/// Where a recorded request to save still names its file, that is in this run's folder; any other
/// path is as it came.
void SaveTo(const std::string& folder, std::vector<net::Frame>* messages) {
  for (net::Frame& frame : *messages) {
    if (frame.kind() != net::FrameKind::kSave || !frame.text().ends_with(kSavedName)) continue;
    const int source = frame.source();
    frame = net::Frame(net::FrameKind::kSave, frame.header().request_id, frame.header().clock,
                       folder + std::string(kSavedName));
    frame.Arrived(source);
  }
}

}  // namespace

/// The first byte chooses the bound on staleness, the others are what workers, and the other
/// server, send.
int FuzzServer(const uint8_t* data, size_t size) {
  static const Job kJobs[] = {SmallJob(kServerStalenesses[0]), SmallJob(kServerStalenesses[1]),
                              SmallJob(kServerStalenesses[2])};
  static const testing::TempFolder folder;
  if (size < 1) return -1;
  FLAGS_minloglevel = google::GLOG_ERROR;  // a server warns of every gradient that it refuses
  const std::string_view script(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::vector<net::Frame> messages = MessagesOf(script, kServerRank, kRoles.n_ranks());
  SaveTo(folder.Path(), &messages);
  Judge("rank ", [&] {
    ScriptedEndpoint endpoint(kServerRank, kRoles.n_ranks(), std::move(messages));
    net::Mailbox mailbox(&endpoint, 1);
    ps::server::Server(&mailbox, kRoles, kJobs[data[0] % std::size(kJobs)], folder.Path()).Run();
  });
  return 0;
}

std::vector<std::string> ServerSeeds() {
  std::vector<std::string> seeds;
  for (size_t i = 0; i < std::size(kServerStalenesses); ++i)
    seeds.push_back(static_cast<char>(i) + Listen(kServerStalenesses[i])[kServerRank]);
  return seeds;
}

}  // namespace zhiyin::fuzz
