#include "tests/support/cluster.h"

#include "ps/server/server.h"

namespace zhiyin::testing {

void RunCluster(
    const Job& job, const net::RoleMap& roles, uint64_t seed,
    const std::function<void(int worker, net::Mailbox* mailbox, ps::client::Client* client)>& work,
    const std::string& output_folder, const net::SimNetwork::Tamper& tamper) {
  net::SimOptions options;
  options.seed = seed;
  net::SimNetwork network(roles.n_ranks(), options, tamper);
  network.Run([&](net::Endpoint& endpoint) {
    net::Mailbox mailbox(&endpoint, 1000);
    if (roles.IsServer(endpoint.rank())) {
      ps::server::Server(&mailbox, roles, job, output_folder).Run();
      return;
    }
    ps::client::Client client(&mailbox, roles, job);
    work(roles.WorkerOfRank(endpoint.rank()), &mailbox, &client);
    // The last to finish ends the servers: everyone reports to worker 0.
    if (endpoint.rank() != roles.ChiefRank()) {
      mailbox.Send(roles.ChiefRank(), net::Frame(net::FrameKind::kGather, 0, ~uint64_t{0}, 0));
      return;
    }
    for (int w = 1; w < roles.n_workers; ++w)
      mailbox.Await({net::FrameKind::kGather}, "the other workers");
    for (int s = 0; s < roles.n_servers; ++s)
      mailbox.Send(s, net::Frame(net::FrameKind::kShutdown, 0, 0, 0));
  });
}

}  // namespace zhiyin::testing
