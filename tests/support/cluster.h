// Servers and workers of a parameter server in one process.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common/net/mailbox.h"
#include "common/net/role_map.h"
#include "common/net/sim_network.h"
#include "configs/job.pb.h"
#include "ps/client/client.h"

namespace zhiyin::testing {

/// Runs servers of `job` and `work` as the body of every worker, over a simulated network of the
/// given seed; ends the servers when all workers have returned. The servers write into
/// `output_folder`. Throws what left any body. `tamper` is the network's.
void RunCluster(
    const Job& job, const net::RoleMap& roles, uint64_t seed,
    const std::function<void(int worker, net::Mailbox* mailbox, ps::client::Client* client)>& work,
    const std::string& output_folder = "", const net::SimNetwork::Tamper& tamper = {});

}  // namespace zhiyin::testing
