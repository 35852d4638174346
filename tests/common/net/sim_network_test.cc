#include "common/net/sim_network.h"

#include <gmock/gmock.h>

#include <atomic>

#include "common/error.h"

namespace zhiyin {
namespace {

using ::testing::HasSubstr;

/// Rank 0 sends `n` numbered frames to each other rank; they answer each; rank 0 returns the order of the
/// answers.
std::vector<int> PingPong(int n_ranks, int n, uint64_t seed, uint64_t* trace) {
  std::vector<int> order;
  SimNetwork network(n_ranks, {.seed = seed});
  network.Run([&](Endpoint& me) {
    if (me.rank() == 0) {
      for (int i = 0; i < n; ++i) {
        for (int to = 1; to < n_ranks; ++to)
          me.Send(to, Frame(FrameKind::kGather, static_cast<uint64_t>(i), 0, "ping"));
      }
      for (int i = 0; i < n * (n_ranks - 1); ++i) {
        const auto frame = me.Receive(me.Now() + 1);
        ASSERT_TRUE(frame);
        order.push_back(frame->source() * 1000 + static_cast<int>(frame->header().request_id));
      }
    } else {
      for (int i = 0; i < n; ++i) {
        const auto frame = me.Receive(me.Now() + 1);
        ASSERT_TRUE(frame);
        EXPECT_EQ(frame->text(), "ping");
        me.Send(0, Frame(FrameKind::kBroadcast, frame->header().request_id, 0, 0));
      }
    }
  });
  if (trace != nullptr) *trace = network.trace_hash();
  return order;
}

TEST(SimNetwork, TheSameSeedGivesTheSameRun) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    uint64_t first = 0;
    uint64_t second = 0;
    EXPECT_EQ(PingPong(4, 5, seed, &first), PingPong(4, 5, seed, &second));
    EXPECT_EQ(first, second);
  }
}

TEST(SimNetwork, SeedsDiffer) {
  EXPECT_NE(PingPong(4, 5, 1, nullptr), PingPong(4, 5, 2, nullptr));
}

TEST(SimNetwork, KeepsTheOrderWithinAPair) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    std::vector<int> last(5, -1);
    for (int answer : PingPong(5, 10, seed, nullptr)) {
      int& before = last[static_cast<size_t>(answer / 1000)];
      EXPECT_EQ(answer % 1000, before + 1);
      before = answer % 1000;
    }
  }
}

TEST(SimNetwork, NamesEveryRankOfADeadlock) {
  SimNetwork network(2, {});
  try {
    network.Run([](Endpoint& me) {
      me.NoteWaitingFor(me.rank() == 0 ? "godot" : "spring");
      me.Receive(me.Now() + 1e9);
    });
    FAIL() << "a deadlock was not noticed";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("rank 0 waits for godot, rank 1 waits for spring"));
  }
}

TEST(SimNetwork, TimePassesForARankThatOnlyPolls) {
  SimNetwork network(2, {.seed = 3, .delay_min_s = 0.5, .delay_max_s = 0.5});
  network.Run([](Endpoint& me) {
    if (me.rank() == 1) return me.Send(0, Frame(FrameKind::kAlive, 0, 0, 0));
    int n_polls = 0;
    while (!me.Poll()) ++n_polls;
    EXPECT_GT(n_polls, 0);
    EXPECT_GE(me.Now(), 0.5);
  });
}

TEST(SimNetwork, AWaitEndsAtItsDeadline) {
  SimNetwork network(2, {.seed = 3, .delay_min_s = 2, .delay_max_s = 2});
  network.Run([](Endpoint& me) {
    if (me.rank() == 1) return me.Send(0, Frame(FrameKind::kAlive, 0, 0, 0));
    EXPECT_FALSE(me.Receive(me.Now() + 1));
    EXPECT_DOUBLE_EQ(me.Now(), 1);
    EXPECT_TRUE(me.Receive(me.Now() + 5));
  });
}

TEST(SimNetwork, PassesOnWhatLeftABody) {
  SimNetwork network(3, {});
  EXPECT_THROW(network.Run([](Endpoint& me) {
    if (me.rank() == 1) throw Error("broken");
  }),
               Error);
}

}  // namespace
}  // namespace zhiyin
