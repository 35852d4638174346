#include "common/net/sim_network.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/targets.h"
#include "worker/train/group.h"

namespace zhiyin::fuzz {
namespace {

constexpr net::RoleMap kGroup{1, 3};

/// Every call of a group.
void Meet(net::Mailbox* mailbox) {
  worker::train::Group group(mailbox, kGroup);
  group.Gather("mine", "the first parts");
  group.Gather(std::string(100, 'x'), "the second parts");
  group.Broadcast("decided", "a decision");
  group.Barrier("the end");
}

/// [rank]: the script of what each heard in a meeting.
std::vector<std::string> ListenToMeeting() {
  std::vector<std::string> scripts(static_cast<size_t>(kGroup.n_ranks()));
  net::SimNetwork network(kGroup.n_ranks(), {.seed = 1});
  network.Run([&](net::Endpoint& inner) {
    if (kGroup.IsServer(inner.rank())) return;
    RecordingEndpoint endpoint(&inner);
    net::Mailbox mailbox(&endpoint, 1000);
    Meet(&mailbox);
    scripts[static_cast<size_t>(endpoint.rank())] = endpoint.script();
  });
  return scripts;
}

int WorkerRank(uint8_t byte) {
  return kGroup.RankOfWorker(byte % 2);
}

}  // namespace

/// The first byte chooses who listens, the chief or another worker; the others are what arrives
/// there.
int FuzzGroup(const uint8_t* data, size_t size) {
  if (size < 1) return -1;
  const int rank = WorkerRank(data[0]);
  const std::string_view script(reinterpret_cast<const char*>(data) + 1, size - 1);
  Judge("rank ", [&] {
    ScriptedEndpoint endpoint(rank, kGroup.n_ranks(), MessagesOf(script, rank, kGroup.n_ranks()));
    net::Mailbox mailbox(&endpoint, 1);
    Meet(&mailbox);
  });
  return 0;
}

std::vector<std::string> GroupSeeds() {
  const std::vector<std::string> scripts = ListenToMeeting();
  std::vector<std::string> seeds;
  for (const uint8_t byte : {0, 1})
    seeds.push_back(static_cast<char>(byte) + scripts[static_cast<size_t>(WorkerRank(byte))]);
  return seeds;
}

}  // namespace zhiyin::fuzz
