#include "ps/client/client.h"
#include "tests/fuzz/conversation.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/targets.h"

namespace zhiyin::fuzz {
namespace {

/// The chief hears most: it alone has rows saved and asks for counts.
const int kRank = kRoles.ChiefRank();
constexpr int kStalenesses[] = {-1, 0};

}  // namespace

/// The first byte chooses whether all servers hear of every slice, the others are what servers, and
/// the other worker, send.
int FuzzClient(const uint8_t* data, size_t size) {
  static const Job kJobs[] = {SmallJob(kStalenesses[0]), SmallJob(kStalenesses[1])};
  if (size < 1) return -1;
  const std::string_view script(reinterpret_cast<const char*>(data) + 1, size - 1);
  Judge("rank ", [&] {
    ScriptedEndpoint endpoint(kRank, kRoles.n_ranks(), MessagesOf(script, kRank, kRoles.n_ranks()));
    net::Mailbox mailbox(&endpoint, 1);
    Work(kJobs[data[0] % std::size(kJobs)], "folder", &mailbox);
  });
  return 0;
}

std::vector<std::string> ClientSeeds() {
  std::vector<std::string> seeds;
  for (size_t i = 0; i < std::size(kStalenesses); ++i)
    seeds.push_back(static_cast<char>(i) + Listen(kStalenesses[i])[kRank]);
  return seeds;
}

}  // namespace zhiyin::fuzz
