// Client and server together, over a simulated network.
#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <deque>
#include <limits>
#include <map>
#include <numeric>

#include "common/random.h"
#include "ps/client/client.h"
#include "ps/server/server.h"
#include "tests/support/cluster.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"

namespace zhiyin::ps::server {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using testing::ExampleJob;
using ::testing::HasSubstr;
using testing::RunCluster;

constexpr int kDim = 2;

/// A job whose tables are updated by plain SGD at rate 1, so that a row is its first value minus
/// all its gradients.
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
  std::vector<float>& Pull(client::Client* client, uint64_t clock = 0) {
    exchange.clock = clock;
    client->PullStart(&exchange);
    client->PullFinish(&exchange);
    return weights;
  }
  std::vector<float>& Peek(client::Client* client) {
    client->PeekStart(&exchange);
    client->PullFinish(&exchange);
    return weights;
  }
  void Push(client::Client* client, float gradient, int slice = 0, int n_slices = 1) {
    std::fill(gradients.begin(), gradients.end(), gradient);
    client->PushStart(&exchange, slice, n_slices);
  }

  std::vector<Key> keys;
  std::vector<float> weights;
  std::vector<float> gradients;
  client::Exchange exchange;
};

std::vector<Key> ManyKeys(size_t n) {
  std::vector<Key> keys(n);
  Random random(9);
  for (Key& key : keys) key = random.Next();
  return keys;
}

TEST(ClientServer, APushChangesExactlyItsRows) {
  for (int n_servers : {1, 2, 5}) {
    RunCluster(SgdJob(-1), {n_servers, 1}, 1, [](int, net::Mailbox*, client::Client* client) {
      OneTable pushed(ManyKeys(100));
      EXPECT_THAT(pushed.Pull(client), Each(0.0f));
      for (size_t i = 0; i < pushed.gradients.size(); ++i)
        pushed.gradients[i] = static_cast<float>(i);
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
  RunCluster(SgdJob(-1), {2, 1}, 1, [](int, net::Mailbox*, client::Client* client) {
    OneTable few(ManyKeys(10));
    few.Pull(client);
    few.Push(client, 1);
    client->Drain();
    OneTable all(ManyKeys(50));
    all.Peek(client);
    for (size_t i = 0; i < all.weights.size(); ++i)
      EXPECT_EQ(all.weights[i], i < 20 ? -1.0f : 0.0f);
    const ServerReport report = client->Report();
    EXPECT_EQ(report.tables[1].n_rows, 10);
    EXPECT_EQ(report.n_peeked_keys, 50);
  });
}

TEST(ClientServer, ADuplicatedReplyIsDroppedAndCounted) {
  const auto twice = [](int, int, std::vector<net::Frame>* frames) {
    const net::Frame& sent = frames->front();
    if (sent.kind() != net::FrameKind::kPushReply && sent.kind() != net::FrameKind::kPullReply)
      return;
    net::Frame again = net::Frame::ForReceiving(sent.bytes().size());
    std::memcpy(again.bytes().data(), sent.bytes().data(), sent.bytes().size());
    frames->push_back(std::move(again));
  };
  RunCluster(
      SgdJob(-1), {1, 1}, 1,
      [](int, net::Mailbox*, client::Client* client) {
        OneTable row({Key{7}});
        for (int i = 0; i < 20; ++i) {
          row.Pull(client);
          row.Push(client, 1);
        }
        client->Drain();
        EXPECT_THAT(row.Peek(client), Each(-20.0f))
            << "no push was taken for acknowledged before it was";
        EXPECT_GE(client->counts().n_late_replies, 38);
        EXPECT_EQ(client->counts().n_pushes, 20);
        EXPECT_EQ(client->counts().n_waiting, 0);
      },
      "", twice);
}

TEST(ClientServer, AStaleReadIsCountedByTheWorker) {
  const auto early = [](int, int, std::vector<net::Frame>* frames) {
    if (frames->front().kind() != net::FrameKind::kPullReply || frames->front().header().clock != 5)
      return;
    reinterpret_cast<ReplyPrelude*>(frames->front().payload().data())->n_complete = 2;
  };
  for (const int staleness : {-1, 0, 2, 3}) {
    RunCluster(
        SgdJob(staleness), {1, 1}, 1,
        [&](int, net::Mailbox*, client::Client* client) {
          OneTable row({Key{7}});
          for (uint64_t step = 0; step < 8; ++step) {
            row.Pull(client, step);
            row.Push(client, 1);
          }
          client->Drain();
          EXPECT_EQ(client->counts().n_stale_reads, staleness == 0 || staleness == 2 ? 1 : 0)
              << staleness;
        },
        "", early);
  }
}

TEST(ClientServerDeathTest, MorePullsThanMayWaitAreABug) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto pull_too_often = [] {
    RunCluster(SgdJob(-1), {1, 1}, 1, [](int, net::Mailbox*, client::Client* client) {
      std::deque<OneTable> rows;
      for (int i = 0; i <= kMaxPullsInFlight; ++i)
        rows.emplace_back(std::vector<Key>{7}).Pull(client);
    });
  };
  EXPECT_DEATH(pull_too_often(), "push before you pull more");
}

TEST(ClientServer, CountsTheBytesBetweenAWorkerAndAServer) {
  RunCluster(SgdJob(-1), {1, 1}, 1, [](int, net::Mailbox*, client::Client* client) {
    OneTable first({Key{7}});
    OneTable second({Key{7}, Key{8}});
    first.Pull(client);
    second.Pull(client);
    first.Push(client, 1);
    second.Push(client, 1);
    client->Drain();
    // A pull of n keys: its frame, that of its reply, and an address a key.
    const auto pull = [](int64_t n) {
      return static_cast<int64_t>(2 * sizeof(net::FrameHeader) + 3 * sizeof(Section) +
                                  sizeof(ReplyPrelude)) +
             n * static_cast<int64_t>(sizeof(Key) + kDim * sizeof(float) + sizeof(void*));
    };
    const int64_t push = static_cast<int64_t>(sizeof(net::FrameHeader) + sizeof(PushPrelude) +
                                              2 * kDim * sizeof(float));
    EXPECT_EQ(client->counts().peak_bytes, pull(1) + pull(2));
    EXPECT_EQ(client->counts().bound_bytes,
              kMaxPullsInFlight * pull(2) + kMaxPushesPerServer * push);
  });
}

TEST(ClientServer, AnEmptyExchangeIsFine) {
  RunCluster(SgdJob(-1), {2, 1}, 1, [](int, net::Mailbox*, client::Client* client) {
    OneTable nothing({});
    nothing.Pull(client);
    nothing.Push(client, 1);
    client->Drain();
  });
}

TEST(ClientServer, ManyExchangesMayBeUnderWay) {
  RunCluster(SgdJob(-1), {3, 1}, 4, [](int, net::Mailbox*, client::Client* client) {
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
  RunCluster(SgdJob(-1), {3, 1}, 1, [](int, net::Mailbox*, client::Client* client) {
    const std::vector<Key> keys = ManyKeys(30);
    std::vector<float> weights(60);
    std::iota(weights.begin(), weights.end(), 0.0f);
    client->Assign(1, keys, weights);
    OneTable read(keys);
    EXPECT_EQ(read.Pull(client), weights);
  });
}

TEST(ClientServer, ASynchronousStepWaitsForEverySlice) {
  // Two workers; what each reads at step t is the sum of all pushes of the steps before, whatever
  // the network does.
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    RunCluster(SgdJob(0), {2, 2}, seed, [](int worker, net::Mailbox*, client::Client* client) {
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
  // Adam's first step has the size of the learning rate whatever the gradient: two updates would
  // move twice as far.
  Job job = SgdJob(0);
  auto* adam = job.mutable_table(0)->mutable_optimizer()->mutable_adam();
  adam->set_learning_rate(0.1);
  adam->set_beta1(0.9);
  adam->set_beta2(0.999);
  adam->set_epsilon(1e-8);
  RunCluster(job, {2, 3}, 1, [](int worker, net::Mailbox*, client::Client* client) {
    OneTable rows(ManyKeys(20));
    rows.Pull(client, 0);
    rows.Push(client, 1, worker, 3);
    client->Drain();
    for (float w : rows.Pull(client, 1)) EXPECT_NEAR(w, -0.1, 1e-6);
  });
}

TEST(ClientServer, ASynchronousWorkerWithoutKeysRunsAhead) {
  // Worker 1 never asks the server that worker 0 uses, and may hear that a step is complete before
  // that server does.
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    RunCluster(SgdJob(0), {2, 2}, seed, [](int worker, net::Mailbox*, client::Client* client) {
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
    RunCluster(SgdJob(bound), {2, 3}, seed, [&](int worker, net::Mailbox*, client::Client* client) {
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
  RunCluster(SgdJob(-1), {1, 1}, 1, [](int, net::Mailbox*, client::Client* client) {
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
std::string RefusalOf(const std::function<net::Frame()>& make) {
  try {
    RunCluster(SgdJob(-1), {2, 1}, 1, [&](int, net::Mailbox* mailbox, client::Client* client) {
      OneTable warm({Key{1}});
      warm.Pull(client);
      mailbox->Send(0, make());
      mailbox->Await({net::FrameKind::kPullReply, net::FrameKind::kPushReply}, "an answer");
    });
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

/// A pull of `keys` of table 1 with its sections changed by `damage`.
std::function<net::Frame()> PullOf(std::vector<Key> keys,
                                   const std::function<void(Section*)>& damage, uint64_t id = 77) {
  return [=] {
    net::Frame frame(net::FrameKind::kPull, id, 0, 3 * sizeof(Section) + keys.size() * sizeof(Key));
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
  EXPECT_THAT(RefusalOf(PullOf({mine}, [](Section* s) { s[1].n_keys = 2; })),
              HasSubstr("bytes, expected"));
  EXPECT_THAT(RefusalOf(PullOf({others}, [](Section*) {})), HasSubstr("belongs to server 1"));
  EXPECT_THAT(RefusalOf([] { return net::Frame(net::FrameKind::kPull, 1, 0, "short"); }),
              HasSubstr("5 bytes, expected at least 3 sections"));
  EXPECT_THAT(RefusalOf([] { return net::Frame(net::FrameKind::kPush, 1, 0, "short"); }),
              HasSubstr("5 bytes, expected at least 24"));
  EXPECT_THAT(RefusalOf([] {
                net::Frame frame(net::FrameKind::kPush, 1, 0, sizeof(PushPrelude));
                *reinterpret_cast<PushPrelude*>(frame.payload().data()) = {4711, 1, 0, 1};
                return frame;
              }),
              HasSubstr("answers pull 4711, which is not waiting for one"));
  EXPECT_THAT(RefusalOf([] {
                net::Frame frame(net::FrameKind::kPush, 1, 0, sizeof(PushPrelude));
                *reinterpret_cast<PushPrelude*>(frame.payload().data()) = {0, 1, 3, 3};
                return frame;
              }),
              HasSubstr("slice 3, expected less than 3"));
}

/// A push of the pull `pull_id`, of one row of table 1.
net::Frame PushOf(uint64_t pull_id, uint64_t sequence, float gradient) {
  net::Frame frame(net::FrameKind::kPush, 500 + sequence, 0,
                   sizeof(PushPrelude) + kDim * sizeof(float));
  const PushPrelude prelude = {pull_id, sequence, 0, 1};
  std::memcpy(frame.payload().data(), &prelude, sizeof(prelude));
  const float gradients[kDim] = {gradient, gradient};
  std::memcpy(frame.payload().data() + sizeof(prelude), gradients, sizeof(gradients));
  return frame;
}

/// Pulls key 7 of table 1 by hand; returns the pull's id.
uint64_t PullByHand(net::Mailbox* mailbox) {
  const uint64_t id = mailbox->NewRequestId();
  mailbox->Send(0, PullOf(
                       {Key{7}}, [](Section*) {}, id)());
  mailbox->Await({net::FrameKind::kPullReply}, "a reply");
  return id;
}

TEST(ClientServer, APullThatComesTwiceIsAnsweredOnceAndCounted) {
  for (const int staleness : {-1, 0}) {
    RunCluster(SgdJob(staleness), {1, 1}, 1,
               [](int, net::Mailbox* mailbox, client::Client* client) {
                 for (int n = 0; n < 2; ++n) {
                   const uint64_t id = mailbox->NewRequestId();
                   for (int i = 0; i < 3; ++i)
                     mailbox->Send(0, PullOf(
                                          {Key{7}}, [](Section*) {}, id)());
                   mailbox->Await({net::FrameKind::kPullReply}, "a reply");
                 }
                 OneTable row({Key{7}});
                 row.Peek(client);  // fails on a reply that nobody waits for
                 const ServerReport report = client->Report();
                 EXPECT_EQ(report.n_repeated_pulls, 4);
                 EXPECT_EQ(report.n_pulled_keys, 2);
               });
  }
}

TEST(ClientServer, AFastWorkerDoesNotExpireWhatASlowOneUses) {
  Job job = SgdJob(-1);
  job.mutable_table(0)->mutable_eviction()->set_ttl_steps(5);
  job.mutable_table(0)->mutable_eviction()->set_sweep_steps(1);
  RunCluster(job, {1, 2}, 1, [](int worker, net::Mailbox* mailbox, client::Client* client) {
    const auto steps = [&](uint64_t first, uint64_t last, Key key) {
      for (uint64_t step = first; step <= last; ++step) {
        OneTable row({key});
        row.Pull(client, step);
        row.Push(client, 1);
        client->Drain();
      }
    };
    const auto expired = [&] { return client->Report().tables[1].counts.expired; };
    if (worker == 1) {
      steps(0, 1, 7);
      mailbox->Send(1, net::Frame(net::FrameKind::kBroadcast, 0, 0, 0));
      mailbox->Await({net::FrameKind::kBroadcast}, "the fast worker");
      steps(2, 6, 8);
      EXPECT_EQ(expired(), 0) << "five steps of its own later";
      steps(7, 7, 8);
      EXPECT_EQ(expired(), 1);
    } else {
      mailbox->Await({net::FrameKind::kBroadcast}, "the slow worker");
      steps(0, 100, 9);
      EXPECT_EQ(expired(), 0);
      OneTable row({Key{7}});
      EXPECT_THAT(row.Peek(client), Each(-2.0f));
      mailbox->Send(2, net::Frame(net::FrameKind::kBroadcast, 0, 0, 0));
    }
  });
}

TEST(ClientServer, APushThatComesTwiceIsAppliedOnce) {
  RunCluster(SgdJob(-1), {1, 1}, 1, [](int, net::Mailbox* mailbox, client::Client* client) {
    const uint64_t id = PullByHand(mailbox);
    for (int i = 0; i < 3; ++i) {
      mailbox->Send(0, PushOf(id, 1, 5));
      mailbox->Await({net::FrameKind::kPushReply}, "an acknowledgement");
    }
    OneTable row({Key{7}});
    EXPECT_THAT(row.Peek(client), Each(-5.0f));
    EXPECT_EQ(client->Report().n_repeated_pushes, 2);
    EXPECT_EQ(client->Report().n_pushed_keys, 1);
  });
}

TEST(ClientServer, ALostPushIsNoticed) {
  EXPECT_THAT(RefusalOf([] { return PushOf(0, 3, 1); }),
              HasSubstr("push from rank 2: number 3, expected 1"));
}

TEST(ClientServer, RefusesStepsThatNoHonestWorkerIsAt) {
  const auto pull_at = [](uint64_t step) {
    return net::Frame(net::FrameKind::kPull, 77, step, 3 * sizeof(Section));
  };
  EXPECT_THAT(RefusalOf([&] { return pull_at((uint64_t{1} << 48) + 1); }),
              HasSubstr("step 281474976710657, expected at most 281474976710656"));
  const auto late_pull = [&] {
    RunCluster(SgdJob(0), {1, 1}, 1, [&](int, net::Mailbox* mailbox, client::Client* client) {
      OneTable row({Key{1}});
      row.Pull(client, 0);
      row.Push(client, 1);
      client->Drain();
      mailbox->Send(0, pull_at(0));
      mailbox->Await({net::FrameKind::kPullReply}, "an answer");
    });
  };
  EXPECT_THAT(late_pull, ::testing::ThrowsMessage<Error>(
                             HasSubstr("step 0 is complete, expected 1 or later")));
  const auto push_of_another_step = [&] {
    RunCluster(SgdJob(-1), {1, 1}, 1, [&](int, net::Mailbox* mailbox, client::Client*) {
      const uint64_t id = PullByHand(mailbox);
      net::Frame push(net::FrameKind::kPush, 1, 5, sizeof(PushPrelude));
      const PushPrelude prelude = {id, 1, 0, 1};
      std::memcpy(push.payload().data(), &prelude, sizeof(prelude));
      mailbox->Send(0, std::move(push));
      mailbox->Await({net::FrameKind::kPushReply}, "an answer");
    });
  };
  EXPECT_THAT(push_of_another_step,
              ::testing::ThrowsMessage<Error>(HasSubstr("but its pull was of step 0")));
}

TEST(ClientServer, OnlyTablesThatKeepStepsEndAt32Bits) {
  const auto run = [](const Job& job) {
    RunCluster(job, {1, 1}, 1, [](int, net::Mailbox*, client::Client* client) {
      for (uint64_t step = 0xfffffffe; step < 0x100000003; ++step) {
        OneTable row({Key{7}});
        row.Pull(client, step);
        row.Push(client, 1);
      }
      client->Drain();
      OneTable row({Key{7}});
      EXPECT_THAT(row.Peek(client), Each(-5.0f));
    });
  };
  const auto refusal = ::testing::ThrowsMessage<Error>(HasSubstr(
      "pull from rank 1: step 4294967295, expected at most 4294967294, the largest for eviction "
      "and exact admission, which table users has"));
  Job job = SgdJob(-1);
  ASSERT_EQ(job.table(0).name(), "users");
  run(job);
  job.mutable_table(0)->mutable_admission()->mutable_counting_bloom()->set_sightings(1);
  run(job);
  job.mutable_table(0)->mutable_admission()->mutable_exact()->set_sightings(2);
  job.mutable_table(0)->mutable_admission()->mutable_exact()->set_max_candidates(1000);
  EXPECT_THAT([&] { run(job); }, refusal);
  job.mutable_table(0)->clear_admission();
  job.mutable_table(0)->mutable_eviction()->set_ttl_steps(5);
  job.mutable_table(0)->mutable_eviction()->set_sweep_steps(1);
  EXPECT_THAT([&] { run(job); }, refusal);
}

TEST(ClientServer, RefusesAKeyThatComesTwice) {
  Key mine = 0;
  while (ServerOf(1, mine, 2) != 0) ++mine;
  EXPECT_THAT(RefusalOf(PullOf({mine, mine}, [](Section*) {})), HasSubstr("comes twice"));
}

TEST(ClientServer, PoisonedGradientsAreRefusedCountedAndKept) {
  for (const float poison : {NAN, INFINITY, -INFINITY, 101.0f}) {
    for (const int staleness : {-1, 0}) {
      testing::TempFolder folder;
      Job job = SgdJob(staleness);
      job.mutable_train()->set_max_gradient(100);
      RunCluster(
          job, {1, 1}, 1,
          [&](int, net::Mailbox*, client::Client* client) {
            OneTable good({Key{1}, Key{2}});
            good.Pull(client, 0);
            good.Push(client, 100);
            OneTable bad({Key{2}, Key{3}});
            bad.Pull(client, 1);
            std::fill(bad.gradients.begin(), bad.gradients.end(), 1.0f);
            bad.gradients[3] = poison;
            client->PushStart(&bad.exchange, 0, 1);
            OneTable after({Key{1}, Key{2}, Key{3}});
            EXPECT_THAT(after.Pull(client, 2), ElementsAre(-100, -100, -100, -100, 0, 0));
            after.Push(client, 1);
            client->Drain();
            const ServerReport report = client->Report();
            ASSERT_EQ(report.non_finite.size(), 1u);
            EXPECT_EQ(report.non_finite[0].rank, 1);
            EXPECT_EQ(report.non_finite[0].n_pushes, 1);
            EXPECT_EQ(report.non_finite[0].table, job.table(0).name());
          },
          folder.Path());
      const std::string kept =
          testing::ReadFile(folder.Path("poisoned/server-0-rank-1-push-2.tsv"));
      EXPECT_THAT(kept, ::testing::StartsWith("table\tkey\tgradient\n" + job.table(0).name() +
                                              "\t2\t1\t1\n"));
      EXPECT_EQ(std::count(kept.begin(), kept.end(), '\n'), 3);
    }
  }
}

TEST(ClientServer, DelayIsCompensatedForByThePulledWeights) {
  Job job = SgdJob(-1);
  for (zhiyin::Table& table : *job.mutable_table()) {
    table.mutable_optimizer()->mutable_delay_compensated_sgd()->set_learning_rate(1);
    table.mutable_optimizer()->mutable_delay_compensated_sgd()->set_lambda(0.5);
  }
  RunCluster(job, {1, 1}, 1, [](int, net::Mailbox*, client::Client* client) {
    OneTable first({Key{1}});
    OneTable second({Key{1}});
    first.Pull(client);
    second.Pull(client);
    first.Push(client, 2);   // 0 - 2
    second.Push(client, 2);  // -2 - (2 + 0.5 * 4 * (-2 - 0))
    client->Drain();
    EXPECT_THAT(first.Peek(client), Each(0.0f));
  });
}

TEST(ServerReport, SurvivesItsJourneyAndAddsUp) {
  ServerReport report;
  report.tables = {{"dense", 1, 10, {}}, {"t", 5, 50, {}}};
  report.tables[1].counts.created = 6;
  report.tables[1].counts.expired = 1;
  report.CountNonFinite(3, "t", 2);
  report.n_pulled_keys = 7;
  report.staleness = {1, 2, 3};
  const ServerReport back = ServerReport::Parse(report.Serialize());
  EXPECT_EQ(back.Serialize(), report.Serialize());
  report.Merge(back);
  EXPECT_EQ(report.tables[1].n_rows, 10);
  EXPECT_EQ(report.tables[1].counts.created, 12);
  EXPECT_EQ(report.tables[1].counts.evicted(), 2);
  ASSERT_EQ(report.non_finite.size(), 1u);
  EXPECT_EQ(report.non_finite[0].n_pushes, 4);
  EXPECT_THAT(report.staleness, ElementsAre(2, 4, 6));
  EXPECT_THROW(ServerReport::Parse(back.Serialize().substr(0, 20)), Error);
}

TEST(ServerReport, HoldsTheBytesOfTheLongestJob) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  ServerReport report;
  report.traffic = {(int64_t{1} << 48) + 1, kMost};
  report.Merge(ServerReport::Parse(report.Serialize()));
  EXPECT_THAT(report.traffic, ElementsAre((int64_t{1} << 49) + 2, kMost));
  report.traffic = {-1};
  EXPECT_THROW(ServerReport::Parse(report.Serialize()), Error);
  report.traffic = {};
  report.n_pulled_keys = (int64_t{1} << 48) + 1;
  EXPECT_THROW(ServerReport::Parse(report.Serialize()), Error);
}

}  // namespace
}  // namespace zhiyin::ps::server
