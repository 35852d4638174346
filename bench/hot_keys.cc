// What copies of hot rows in the workers save: bytes that a simulated cluster moves for keys drawn
// by Zipf's law. Prints "total bytes, the busiest server's share of the mean": the same on every
// machine.
//   hot_keys --rows=0 and hot_keys --rows=20000
#include <gflags/gflags.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <vector>

#include "common/net/mailbox.h"
#include "common/net/sim_network.h"
#include "common/random.h"
#include "common/unique_keys.h"
#include "launch/job/load_job.h"
#include "ps/client/client.h"
#include "ps/server/server.h"

DEFINE_int64(rows, 0, "Copies that each worker keeps");
DEFINE_int32(refresh_steps, 16, "Steps for which a copy is read");
DEFINE_int32(servers, 4, "Servers");
DEFINE_int32(workers, 2, "Workers");
DEFINE_int32(steps, 300, "Steps of each worker");
DEFINE_int32(draws, 16384, "Keys drawn for a step, of which the distinct ones are pulled");
DEFINE_int64(keys, 100000, "Keys there are");
DEFINE_double(exponent, 1.1, "Of Zipf's law");

namespace zhiyin {
namespace {

constexpr int kDim = 16;

/// The nth key has a chance of n^-exponent, up to a factor.
class Zipf {
 public:
  Zipf(int64_t n, double exponent) : sums_(static_cast<size_t>(n)) {
    double sum = 0;
    for (size_t i = 0; i < sums_.size(); ++i)
      sums_[i] = sum += std::pow(static_cast<double>(i + 1), -exponent);
  }
  Key operator()(Random* random) const {
    const double u = random->Uniform() * sums_.back();
    return Mix(
        static_cast<uint64_t>(std::upper_bound(sums_.begin(), sums_.end(), u) - sums_.begin()));
  }

 private:
  std::vector<double> sums_;
};

Job MakeJob() {
  return launch::job::ParseJob(R"(
      data { generated_ratings { n_rows: 10 } train {} }
      table { name: "t" dim: 16 optimizer { adagrad { learning_rate: 0.05 } } hot_keys { rows: )" +
                                   std::to_string(FLAGS_rows) +
                                   " refresh_steps: " + std::to_string(FLAGS_refresh_steps) +
                                   R"( } }
      field { name: "user_group" }
      task { name: "rating" label { number {} } squared_error {} }
      model { mmoe { n_experts: 1 expert: 1 } }
      train { epochs: 1 batch_size: 1 staleness: -1 dense_optimizer { sgd { learning_rate: 1 } } })",
                               "hot_keys", ".", {});
}

void Work(int worker, const Zipf& zipf, ps::client::Client* client) {
  Random random(1, static_cast<uint64_t>(worker));
  UniqueKeys keys;
  std::vector<float> weights;
  std::vector<float> gradients;
  ps::client::Exchange exchange;
  for (int step = 0; step < FLAGS_steps; ++step) {
    keys.Clear();
    for (int i = 0; i < FLAGS_draws; ++i) keys.Insert(zipf(&random));
    weights.resize(keys.size() * kDim);
    gradients.assign(keys.size() * kDim, 0.01f);
    exchange.clock = static_cast<uint64_t>(step);
    exchange.parts.assign(2, {});
    exchange.parts[1] = {keys.keys(), true, weights.data(), gradients.data()};
    client->PullStart(&exchange);
    client->PullFinish(&exchange);
    client->PushStart(&exchange, 0, 1);
  }
  client->Drain();
}

void Run() {
  const Job job = MakeJob();
  const net::RoleMap roles{FLAGS_servers, FLAGS_workers};
  const Zipf zipf(FLAGS_keys, FLAGS_exponent);
  net::SimNetwork network(roles.n_ranks(), {});
  network.Run([&](net::Endpoint& endpoint) {
    net::Mailbox mailbox(&endpoint, 1000);
    if (roles.IsServer(endpoint.rank())) {
      ps::server::Server(&mailbox, roles, job).Run();
      return;
    }
    ps::client::Client client(&mailbox, roles, job);
    Work(roles.WorkerOfRank(endpoint.rank()), zipf, &client);
    if (endpoint.rank() != roles.ChiefRank()) {
      return mailbox.Send(roles.ChiefRank(), net::Frame(net::FrameKind::kGather, 0, 0, 0));
    }
    for (int w = 1; w < roles.n_workers; ++w)
      mailbox.Await({net::FrameKind::kGather}, "the other workers");
    const std::vector<int64_t> traffic = client.Report().traffic;
    const double total =
        static_cast<double>(std::accumulate(traffic.begin(), traffic.end(), int64_t{0}));
    const double busiest = static_cast<double>(*std::max_element(traffic.begin(), traffic.end()));
    std::printf("%.0f %.3f\n", total, busiest * roles.n_servers / total);
    for (int s = 0; s < roles.n_servers; ++s)
      mailbox.Send(s, net::Frame(net::FrameKind::kShutdown, 0, 0, 0));
  });
}

}  // namespace
}  // namespace zhiyin

int main(int argc, char** argv) {
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  zhiyin::Run();
}
