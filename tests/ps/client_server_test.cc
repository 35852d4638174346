// Client and server together, over a simulated network.
#include <gmock/gmock.h>

#include <map>
#include <numeric>

#include "common/random.h"
#include "ps/client.h"
#include "ps/server.h"
#include "tests/support/cluster.h"
#include "tests/support/example_jobs.h"

namespace zhiyin::ps {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using testing::ExampleJob;
using ::testing::HasSubstr;
using testing::RunCluster;

constexpr int kDim = 2;

/// A job whose tables are updated by plain SGD at rate 1, so that a row is its first value minus all its
/// gradients.
Job SgdJob(int staleness) {
  Job job = ExampleJob("mmoe { n_experts: 1 expert: 2 }", kDim);
  for (zhiyin::Table& table : *job.mutable_table()) {
    table.mutable_optimizer()->mutable_sgd()->set_learning_rate(1);
    table.mutable_init()->mutable_zero();
  }
  job.mutable_train()->mutable_dense_optimizer()->mutable_sgd()->set_learning_rate(1);
  job.mutable_train()->set_staleness(staleness);
  return job;
}

/// One exchange on table 1 (and nothing of the others).
struct OneTable {
  explicit OneTable(std::vector<Key> k)
      : keys(std::move(k)), weights(keys.size() * kDim, -1), gradients(keys.size() * kDim) {
    exchange.parts.resize(3);
    exchange.parts[1] = {keys, true, weights.data(), gradients.data()};
  }
  std::vector<float>& Pull(Client* client, uint64_t clock = 0) {
    exchange.clock = clock;
    client->PullStart(&exchange);
    client->PullFinish(&exchange);
    return weights;
  }
  std::vector<float>& Peek(Client* client) {
    client->PeekStart(&exchange);
    client->PullFinish(&exchange);
    return weights;
  }
  void Push(Client* client, float gradient, int slice = 0, int n_slices = 1) {
    std::fill(gradients.begin(), gradients.end(), gradient);
    client->PushStart(&exchange, slice, n_slices);
  }

  std::vector<Key> keys;
  std::vector<float> weights;
  std::vector<float> gradients;
  Exchange exchange;
};

std::vector<Key> ManyKeys(size_t n) {
  std::vector<Key> keys(n);
  Random random(9);
  for (Key& key : keys) key = random.Next();
  return keys;
}

TEST(ClientServer, APushChangesExactlyItsRows) {
  for (int n_servers : {1, 2, 5}) {
    RunCluster(SgdJob(-1), {n_servers, 1}, 1, [](int, Mailbox*, Client* client) {
      OneTable pushed(ManyKeys(100));
      EXPECT_THAT(pushed.Pull(client), Each(0.0f));
      for (size_t i = 0; i < pushed.gradients.size(); ++i) pushed.gradients[i] = static_cast<float>(i);
      client->PushStart(&pushed.exchange, 0, 1);
      client->Drain();
      OneTable all(ManyKeys(150));
      all.Pull(client);
      for (size_t i = 0; i < all.weights.size(); ++i)
        EXPECT_EQ(all.weights[i], i < 200 ? -static_cast<float>(i) : 0.0f);
    });
  }
}

TEST(ClientServer, PeekingMakesNoRows) {
  RunCluster(SgdJob(-1), {2, 1}, 1, [](int, Mailbox*, Client* client) {
    OneTable few(ManyKeys(10));
    few.Pull(client);
    few.Push(client, 1);
    client->Drain();
    OneTable all(ManyKeys(50));
    all.Peek(client);
    for (size_t i = 0; i < all.weights.size(); ++i) EXPECT_EQ(all.weights[i], i < 20 ? -1.0f : 0.0f);
    const ServerReport report = client->Report();
    EXPECT_EQ(report.tables[1].n_rows, 10);
    EXPECT_EQ(report.n_peeked_keys, 50);
  });
}

TEST(ClientServer, AnEmptyExchangeIsFine) {
  RunCluster(SgdJob(-1), {2, 1}, 1, [](int, Mailbox*, Client* client) {
    OneTable nothing({});
    nothing.Pull(client);
    nothing.Push(client, 1);
    client->Drain();
  });
}

TEST(ClientServer, ManyExchangesMayBeUnderWay) {
  RunCluster(SgdJob(-1), {3, 1}, 4, [](int, Mailbox*, Client* client) {
    std::vector<std::unique_ptr<OneTable>> all;
    for (int i = 0; i < 20; ++i) {
      all.push_back(std::make_unique<OneTable>(ManyKeys(40)));
      client->PullStart(&all.back()->exchange);
    }
    for (auto& one : all) {
      client->PullFinish(&one->exchange);
      one->Push(client, 1);
    }
    client->Drain();
    OneTable last(ManyKeys(40));
    EXPECT_THAT(last.Pull(client), Each(-20.0f));
  });
}

TEST(ClientServer, AssignSetsWeights) {
  RunCluster(SgdJob(-1), {3, 1}, 1, [](int, Mailbox*, Client* client) {
    const std::vector<Key> keys = ManyKeys(30);
    std::vector<float> weights(60);
    std::iota(weights.begin(), weights.end(), 0.0f);
    client->Assign(1, keys, weights);
    OneTable read(keys);
    EXPECT_EQ(read.Pull(client), weights);
  });
}

TEST(ClientServer, ASynchronousStepWaitsForEverySlice) {
  // Two workers; what each reads at step t is the sum of all pushes of the steps before, whatever the network
  // does.
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    RunCluster(SgdJob(0), {2, 2}, seed, [](int worker, Mailbox*, Client* client) {
      for (uint64_t step = 0; step < 10; ++step) {
        OneTable rows(ManyKeys(20));
        EXPECT_THAT(rows.Pull(client, step), Each(-3.0f * static_cast<float>(step)));
        rows.Push(client, worker == 0 ? 1.0f : 2.0f, worker, 2);
      }
      client->Drain();
    });
  }
}

TEST(ClientServer, ASynchronousStepIsOneUpdateOfTheSum) {
  // Adam's first step has the size of the learning rate whatever the gradient: two updates would move twice
  // as far.
  Job job = SgdJob(0);
  auto* adam = job.mutable_table(0)->mutable_optimizer()->mutable_adam();
  adam->set_learning_rate(0.1);
  adam->set_beta1(0.9);
  adam->set_beta2(0.999);
  adam->set_epsilon(1e-8);
  RunCluster(job, {2, 3}, 1, [](int worker, Mailbox*, Client* client) {
    OneTable rows(ManyKeys(20));
    rows.Pull(client, 0);
    rows.Push(client, 1, worker, 3);
    client->Drain();
    for (float w : rows.Pull(client, 1)) EXPECT_NEAR(w, -0.1, 1e-6);
  });
}

TEST(ClientServer, ASynchronousWorkerWithoutKeysRunsAhead) {
  // Worker 1 never asks the server that worker 0 uses, and may hear that a step is complete before that
  // server does.
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    RunCluster(SgdJob(0), {2, 2}, seed, [](int worker, Mailbox*, Client* client) {
      std::vector<Key> keys = ManyKeys(40);
      std::erase_if(keys, [&](Key key) { return ServerOf(1, key, 2) != worker; });
      for (uint64_t step = 0; step < 8; ++step) {
        OneTable rows(keys);
        EXPECT_THAT(rows.Pull(client, step), Each(-static_cast<float>(step)));
        rows.Push(client, 1, worker, 2);
      }
      client->Drain();
    });
  }
}

class BoundedStaleness : public ::testing::TestWithParam<int> {};

TEST_P(BoundedStaleness, IsNeverExceeded) {
  // At step t a worker sees all pushes of steps before t - N, and its own view never goes back.
  const int bound = GetParam();
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    RunCluster(SgdJob(bound), {2, 3}, seed, [&](int worker, Mailbox*, Client* client) {
      float seen = 0;
      for (uint64_t step = 0; step < 12; ++step) {
        OneTable rows({Key{5}});
        rows.Pull(client, step);
        const float n_pushes = -rows.weights[0];
        const int64_t guaranteed = 3 * (static_cast<int64_t>(step) - bound);
        EXPECT_GE(n_pushes, static_cast<float>(std::max<int64_t>(guaranteed, 0)));
        EXPECT_GE(n_pushes, seen);
        seen = n_pushes;
        rows.Push(client, 1, worker, 3);
      }
      client->Drain();
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Bounds, BoundedStaleness, ::testing::Values(0, 1, 2, 5));

TEST(ClientServer, CountsHowStaleEachPushWas) {
  RunCluster(SgdJob(-1), {1, 1}, 1, [](int, Mailbox*, Client* client) {
    OneTable first({Key{1}});
    OneTable second({Key{1}});
    first.Pull(client);
    second.Pull(client);
    first.Push(client, 1);
    second.Push(client, 1);  // pulled before the first was applied
    client->Drain();
    const ServerReport report = client->Report();
    EXPECT_EQ(report.staleness[0], 1);
    EXPECT_EQ(report.staleness[1], 1);
    EXPECT_EQ(report.n_pushed_keys, 2);
  });
}

/// What a server says to a frame that a broken client might send.
std::string RefusalOf(const std::function<Frame()>& make) {
  try {
    RunCluster(SgdJob(-1), {2, 1}, 1, [&](int, Mailbox* mailbox, Client* client) {
      OneTable warm({Key{1}});
      warm.Pull(client);
      mailbox->Send(0, make());
      mailbox->Await({FrameKind::kPullReply, FrameKind::kPushReply}, "an answer");
    });
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

/// A pull of `keys` of table 1 with its sections changed by `damage`.
std::function<Frame()> PullOf(std::vector<Key> keys, const std::function<void(Section*)>& damage) {
  return [=] {
    Frame frame(FrameKind::kPull, 77, 0, 3 * sizeof(Section) + keys.size() * sizeof(Key));
    Section* sections = reinterpret_cast<Section*>(frame.payload().data());
    for (uint32_t t = 0; t < 3; ++t) sections[t] = {t, kFetch, t == 1 ? keys.size() : 0};
    damage(sections);
    std::copy(keys.begin(), keys.end(), reinterpret_cast<Key*>(sections + 3));
    return frame;
  };
}

TEST(ClientServer, RefusesWhatMakesNoSense) {
  Key mine = 0;
  while (ServerOf(1, mine, 2) != 0) ++mine;
  Key others = 0;
  while (ServerOf(1, others, 2) != 1) ++others;
  EXPECT_THAT(RefusalOf(PullOf({mine}, [](Section* s) { s[1].table = 9; })),
              HasSubstr("pull from rank 2: section 1 is about table 9 of 3"));
  EXPECT_THAT(RefusalOf(PullOf({mine}, [](Section* s) { s[1].n_keys = uint64_t{1} << 60; })),
              HasSubstr("announces 1152921504606846976 keys"));
  EXPECT_THAT(RefusalOf(PullOf({mine}, [](Section* s) { s[1].n_keys = 2; })), HasSubstr("bytes, expected"));
  EXPECT_THAT(RefusalOf(PullOf({others}, [](Section*) {})), HasSubstr("belongs to server 1"));
  EXPECT_THAT(RefusalOf([] { return Frame(FrameKind::kPull, 1, 0, "short"); }),
              HasSubstr("5 bytes, expected at least 3 sections"));
  EXPECT_THAT(RefusalOf([] { return Frame(FrameKind::kPush, 1, 0, "short"); }),
              HasSubstr("5 bytes, expected at least 24"));
  EXPECT_THAT(RefusalOf([] {
                Frame frame(FrameKind::kPush, 1, 0, sizeof(PushPrelude));
                *reinterpret_cast<PushPrelude*>(frame.payload().data()) = {4711, 1, 0, 1};
                return frame;
              }),
              HasSubstr("answers pull 4711, which is not waiting for one"));
  EXPECT_THAT(RefusalOf([] {
                Frame frame(FrameKind::kPush, 1, 0, sizeof(PushPrelude));
                *reinterpret_cast<PushPrelude*>(frame.payload().data()) = {0, 1, 3, 3};
                return frame;
              }),
              HasSubstr("slice 3, expected less than 3"));
}

TEST(ServerReport, SurvivesItsJourneyAndAddsUp) {
  ServerReport report;
  report.tables = {{"dense", 1, 10, {}}, {"t", 5, 50, {}}};
  report.tables[1].counts.created = 6;
  report.tables[1].counts.expired = 1;
  report.CountPoisoned(3, "t", 2);
  report.n_pulled_keys = 7;
  report.staleness = {1, 2, 3};
  const ServerReport back = ServerReport::Parse(report.Serialize());
  EXPECT_EQ(back.Serialize(), report.Serialize());
  report.Merge(back);
  EXPECT_EQ(report.tables[1].n_rows, 10);
  EXPECT_EQ(report.tables[1].counts.created, 12);
  EXPECT_EQ(report.tables[1].counts.evicted(), 2);
  ASSERT_EQ(report.poisoned.size(), 1u);
  EXPECT_EQ(report.poisoned[0].n_pushes, 4);
  EXPECT_THAT(report.staleness, ElementsAre(2, 4, 6));
  EXPECT_THROW(ServerReport::Parse(back.Serialize().substr(0, 20)), Error);
}

}  // namespace
}  // namespace zhiyin::ps
