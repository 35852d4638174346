// Keys pulled and pushed a second, over MPI: mpirun -n 2 push_pull --servers=1 --keys=4096
// --depth=2
//
// Every worker pulls batches of random keys out of --vocabulary and pushes a gradient for each,
// with --depth pulls under way. Prints the keys a second of all workers together: each counts once,
// for its pull and its push. With --read_only --rows=N the servers begin with N rows, and every
// worker reads rows drawn uniformly from all of them: each batch other keys.
#include <gflags/gflags.h>
#include <immintrin.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "common/net/mailbox.h"
#include "common/net/mpi/mpi_endpoint.h"
#include "launch/job/load_job.h"
#include "ps/client/client.h"
#include "ps/partitioner.h"
#include "ps/server/server.h"

DEFINE_int32(servers, 1, "ranks that serve");
DEFINE_int32(keys, 4096, "keys of a batch, before those that are there twice are dropped");
DEFINE_int32(depth, 2, "pulls under way");
DEFINE_int32(batches, 1000, "batches of each worker; the first fifth is not counted");
DEFINE_int64(vocabulary, 2000000, "keys in all");
DEFINE_bool(read_only, false, "read rows instead of pulling and pushing them");
DEFINE_int64(rows, 0,
             "rows that the servers hold from the start, of keys 0, 1, ...; replaces --vocabulary");
DEFINE_int32(dim, 16, "floats of a row");
DEFINE_string(optimizer, "adagrad { learning_rate: 0.05 epsilon: 1e-8 }", "as in a job's table");

namespace zhiyin {
namespace {

constexpr int kDistinctBatches = 64;

Job BenchJob() {
  return launch::job::ParseJob(R"(
      data { generated_ratings { n_rows: 10 } train {} }
      table { name: "t" dim: )" + std::to_string(FLAGS_dim) +
                                   " optimizer { " + FLAGS_optimizer + R"( }
              init { uniform { range: 0.1 } } }
      field { name: "user_group" }
      task { name: "rating" label { number {} } squared_error {} }
      model { mmoe { n_experts: 1 expert: 1 } }
      train { epochs: 1 batch_size: 1 staleness: -1 dense_optimizer { sgd { learning_rate: 1 } } })",
                               "push_pull", ".", {});
}

struct Batch {
  std::vector<Key> keys;
  std::vector<float> rows;
  ps::client::Exchange exchange;
};

/// Rows of the keys that belong to a server.
void Fill(ps::table::Table* table, const net::RoleMap& roles, int server) {
  std::vector<Key> keys;
  std::vector<std::byte*> rows;
  for (Key key = 0; key < static_cast<Key>(FLAGS_rows);) {
    keys.clear();
    for (; key < static_cast<Key>(FLAGS_rows) && keys.size() < 4096; ++key) {
      if (ps::ServerOf(table->spec().id, key, roles.n_servers) == server) keys.push_back(key);
    }
    rows.resize(keys.size());
    table->FindOrForce(keys, rows);
  }
}

/// Seconds of the counted batches and their keys.
std::pair<double, double> Work(net::Mailbox* mailbox, const net::RoleMap& roles, const Job& job) {
  ps::client::Client client(mailbox, roles, job);
  std::mt19937_64 random(static_cast<uint64_t>(mailbox->endpoint().rank()));
  const int64_t n_rows = FLAGS_rows > 0 ? FLAGS_rows : FLAGS_vocabulary;
  // Reads of a large table are not to find the rows of an earlier batch in cache.
  std::vector<std::vector<Key>> batches(
      static_cast<size_t>(FLAGS_rows > 0 ? FLAGS_batches : kDistinctBatches));
  for (auto& keys : batches) {
    keys.resize(static_cast<size_t>(FLAGS_keys));
    for (Key& key : keys) key = random() % static_cast<uint64_t>(n_rows);
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  }
  std::vector<std::unique_ptr<Batch>> slots;
  for (int d = 0; d < FLAGS_depth; ++d) slots.push_back(std::make_unique<Batch>());
  const auto start = [&](int i) {
    Batch& batch = *slots[static_cast<size_t>(i % FLAGS_depth)];
    batch.keys = batches[static_cast<size_t>(i) % batches.size()];
    batch.rows.resize(batch.keys.size() * static_cast<size_t>(FLAGS_dim));
    batch.exchange.parts.resize(2);
    // The rows themselves serve as gradients: what is measured is moving and applying them.
    batch.exchange.parts[1] = {batch.keys, true, batch.rows.data(), batch.rows.data()};
    if (FLAGS_read_only) {
      client.PeekStart(&batch.exchange);
    } else {
      client.PullStart(&batch.exchange);
    }
  };
  for (int i = 0; i < std::min(FLAGS_depth, FLAGS_batches); ++i) start(i);
  auto began = std::chrono::steady_clock::now();
  double n_keys = 0;
  for (int i = 0; i < FLAGS_batches; ++i) {
    if (i == FLAGS_batches / 5) {
      began = std::chrono::steady_clock::now();
      n_keys = 0;
    }
    Batch& batch = *slots[static_cast<size_t>(i % FLAGS_depth)];
    client.PullFinish(&batch.exchange);
    n_keys += static_cast<double>(batch.keys.size());
    if (!FLAGS_read_only) client.PushStart(&batch.exchange, 0, 1);
    if (i + FLAGS_depth < FLAGS_batches) start(i + FLAGS_depth);
  }
  client.Drain();
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count(), n_keys};
}

void Run(net::Endpoint* endpoint) {
  net::Mailbox mailbox(endpoint, 600);
  const net::RoleMap roles{FLAGS_servers, endpoint->n_ranks() - FLAGS_servers};
  const Job job = BenchJob();
  if (roles.IsServer(endpoint->rank())) {
    ps::server::Server server(&mailbox, roles, job);
    Fill(&server.tables()[1], roles, roles.ServerOfRank(endpoint->rank()));
    server.Run();
    return;
  }
  const auto [seconds, n_keys] = Work(&mailbox, roles, job);
  const double rate = n_keys / seconds;
  if (endpoint->rank() != roles.ChiefRank()) {
    net::Frame frame(net::FrameKind::kGather, 0, 0, sizeof(rate));
    std::memcpy(frame.payload().data(), &rate, sizeof(rate));
    mailbox.Send(roles.ChiefRank(), std::move(frame));
    mailbox.Await({net::FrameKind::kShutdown}, "the end");
    return;
  }
  double total = rate;
  for (int w = 1; w < roles.n_workers; ++w) {
    const net::Frame frame = mailbox.Await({net::FrameKind::kGather}, "the other workers");
    double other = 0;
    std::memcpy(&other, frame.payload().data(), sizeof(other));
    total += other;
  }
  for (int rank = 0; rank < roles.n_ranks(); ++rank) {
    if (rank != endpoint->rank())
      mailbox.Send(rank, net::Frame(net::FrameKind::kShutdown, 0, 0, 0));
  }
  std::printf("%.0f keys/s\n", total);
}

}  // namespace
}  // namespace zhiyin

int main(int argc, char** argv) {
  // As RunRank and main do.
  _mm_setcsr(_mm_getcsr() | 0x8040);  // flush to zero, denormals are zero
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  zhiyin::net::MpiWorld world;
  zhiyin::Run(&world.endpoint());
  world.endpoint().Flush(world.endpoint().Now() + 60);
}
