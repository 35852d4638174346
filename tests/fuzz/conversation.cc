#include "tests/fuzz/conversation.h"

#include "common/net/sim_network.h"
#include "ps/client/client.h"
#include "ps/server/server.h"
#include "tests/fuzz/script.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"

namespace zhiyin::fuzz {
namespace {

constexpr int kDim = 2;
constexpr uint64_t kSteps = 3;

/// Rows of the users and the items, and memory for their weights and gradients.
struct SparseRows {
  explicit SparseRows(uint64_t step) {
    for (Key key = 0; key < 4; ++key) keys.push_back(key * 977 + step);
    weights.resize(keys.size() * kDim);
    gradients.assign(keys.size() * kDim, 0.5f);
    exchange.clock = step;
    exchange.parts.resize(3);
    exchange.parts[1] = {keys, true, weights.data(), gradients.data()};
    exchange.parts[2] = {std::span(keys).first(2), step % 2 == 0, weights.data(), gradients.data()};
  }

  std::vector<Key> keys;
  std::vector<float> weights;
  std::vector<float> gradients;
  ps::client::Exchange exchange;
};

/// Ranges until none is left, a ticket, and a round.
void AskTheBooks(ps::client::Client* client) {
  ps::LeaseRequest ranges;
  ranges.kind = ps::LeaseKind::kRange;
  ranges.n_ranges = 3;
  ranges.wants_more = true;
  ranges.held = {1};
  while (true) {
    client->AskLease(ranges);
    const ps::LeaseReply reply = client->AwaitLease(ps::LeaseKind::kRange);
    if (!reply.range) break;
    ranges.finished = {reply.range->range};
    ranges.held.clear();
  }
  client->AskLease(ps::LeaseRequest());
  client->AwaitLease(ps::LeaseKind::kTicket);
  ps::LeaseRequest round;
  round.kind = ps::LeaseKind::kRound;
  round.n_slices = 4;
  round.slice_s = 0.5;
  client->AskLease(round);
  client->AwaitLease(ps::LeaseKind::kRound);
}

}  // namespace

Job SmallJob(int staleness) {
  Job job = testing::ExampleJob("linear {}", kDim);
  job.mutable_train()->set_staleness(staleness);
  job.mutable_train()->set_max_gradient(1000);
  // Of everything that a server does with a request, something.
  Table* users = job.mutable_table(0);
  users->set_wire(FP16);
  users->set_storage(FP16);
  users->mutable_admission()->mutable_exact()->set_sightings(2);
  users->mutable_admission()->mutable_exact()->set_max_candidates(8);
  Table* items = job.mutable_table(1);
  items->mutable_eviction()->set_ttl_steps(2);
  items->mutable_eviction()->set_sweep_steps(1);
  items->mutable_optimizer()->mutable_delay_compensated_sgd()->set_learning_rate(0.1);
  items->mutable_optimizer()->mutable_delay_compensated_sgd()->set_lambda(0.04);
  return job;
}

void Work(const Job& job, const std::string& folder, net::Mailbox* mailbox) {
  ps::client::Client client(mailbox, kRoles, job);
  const int worker = kRoles.WorkerOfRank(mailbox->endpoint().rank());
  if (worker == 0)
    client.Assign(kDenseTable, std::vector<Key>{0}, std::vector<float>(kDenseRowDim, 0.25f));
  for (uint64_t step = 0; step < kSteps; ++step) {
    SparseRows rows(step);
    client.PullStart(&rows.exchange);
    client.PullFinish(&rows.exchange);
    client.PushStart(&rows.exchange, worker, kRoles.n_workers);
  }
  client.Drain();
  AskTheBooks(&client);
  SparseRows rows(0);
  client.PeekStart(&rows.exchange);
  client.PullFinish(&rows.exchange);
  if (worker != 0) return;
  client.SaveStart(folder, ps::SaveKind::kWhole);
  client.SaveFinish(/*wait=*/true);
  client.Report();
}

std::vector<std::string> Listen(int staleness) {
  const Job job = SmallJob(staleness);
  const testing::TempFolder folder;
  std::vector<std::string> scripts(static_cast<size_t>(kRoles.n_ranks()));
  net::SimNetwork network(kRoles.n_ranks(), {.seed = 1});
  network.Run([&](net::Endpoint& inner) {
    RecordingEndpoint endpoint(&inner);
    net::Mailbox mailbox(&endpoint, 1000);
    if (kRoles.IsServer(endpoint.rank())) {
      ps::server::Server(&mailbox, kRoles, job, folder.Path()).Run();
    } else {
      Work(job, folder.Path(), &mailbox);
    }
    scripts[static_cast<size_t>(endpoint.rank())] = endpoint.script();
    if (endpoint.rank() != kRoles.ChiefRank()) {
      if (!kRoles.IsServer(endpoint.rank()))
        mailbox.Send(kRoles.ChiefRank(), net::Frame(net::FrameKind::kGather, 0, 0, 0));
      return;
    }
    mailbox.Await({net::FrameKind::kGather}, "the other worker");
    for (int s = 0; s < kRoles.n_servers; ++s)
      mailbox.Send(s, net::Frame(net::FrameKind::kShutdown, 0, 0, 0));
  });
  return scripts;
}

}  // namespace zhiyin::fuzz
