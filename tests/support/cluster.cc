#include "tests/support/cluster.h"

#include "ps/server.h"

namespace zhiyin::testing {

void RunCluster(const Job& job, const RoleMap& roles, uint64_t seed,
                const std::function<void(int worker, Mailbox* mailbox, ps::Client* client)>& work,
                const std::string& output_folder, const SimNetwork::Tamper& tamper) {
  SimOptions options;
  options.seed = seed;
  SimNetwork network(roles.n_ranks(), options, tamper);
  network.Run([&](Endpoint& endpoint) {
    Mailbox mailbox(&endpoint, 1000);
    if (roles.IsServer(endpoint.rank())) {
      ps::Server(&mailbox, roles, job, output_folder).Run();
      return;
    }
    ps::Client client(&mailbox, roles, job);
    work(roles.WorkerOfRank(endpoint.rank()), &mailbox, &client);
    // The last to finish ends the servers: everyone reports to worker 0.
    if (endpoint.rank() != roles.ChiefRank()) {
      mailbox.Send(roles.ChiefRank(), Frame(FrameKind::kGather, 0, ~uint64_t{0}, 0));
      return;
    }
    for (int w = 1; w < roles.n_workers; ++w) mailbox.Await({FrameKind::kGather}, "the other workers");
    for (int s = 0; s < roles.n_servers; ++s) mailbox.Send(s, Frame(FrameKind::kShutdown, 0, 0, 0));
  });
}

}  // namespace zhiyin::testing
