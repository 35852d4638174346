#include "common/net/sim_network.h"

#include <gmock/gmock.h>

#include <atomic>

#include "common/error.h"

namespace zhiyin::net {
namespace {

using ::testing::HasSubstr;

/// Rank 0 sends `n` numbered frames to each other rank; they answer each; rank 0 returns the order
/// of the answers.
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
  SimNetwork network(2, ParseSimOptions("delay=uniform:500ms:500ms", 2));
  network.Run([](Endpoint& me) {
    if (me.rank() == 1) return me.Send(0, Frame(FrameKind::kHeartbeat, 0, 0, 0));
    int n_polls = 0;
    while (!me.Poll()) ++n_polls;
    EXPECT_GT(n_polls, 0);
    EXPECT_GE(me.Now(), 0.5);
  });
}

TEST(SimNetwork, AWaitEndsAtItsDeadline) {
  SimNetwork network(2, ParseSimOptions("delay=uniform:2s:2s", 2));
  network.Run([](Endpoint& me) {
    if (me.rank() == 1) return me.Send(0, Frame(FrameKind::kHeartbeat, 0, 0, 0));
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

/// Rank 0 sends `n` frames of 100 bytes to rank 1, which takes them; when each was taken.
std::vector<double> ArrivalsOf(int n, SimNetwork* network) {
  std::vector<double> arrivals;
  network->Run([&](Endpoint& me) {
    if (me.rank() == 0) {
      for (int i = 0; i < n; ++i) me.Send(1, Frame(FrameKind::kGather, 0, 0, 68));
      EXPECT_TRUE(me.Flush(me.Now() + 100));
    } else {
      for (int i = 0; i < n; ++i) {
        if (!me.Receive(me.Now() + 100)) return;
        arrivals.push_back(me.Now());
      }
    }
  });
  return arrivals;
}

TEST(SimNetwork, ASlowRankTakesLonger) {
  SimNetwork network(2, ParseSimOptions("delay=exp:0s,work=1ms,slow=1:8", 2));
  EXPECT_THAT(ArrivalsOf(3, &network),
              ::testing::ElementsAre(::testing::DoubleEq(0.008), ::testing::DoubleEq(0.016),
                                     ::testing::DoubleEq(0.024)));
}

TEST(SimNetwork, APausedRankStandsStill) {
  SimNetwork network(2, ParseSimOptions("delay=uniform:1s:1s,work=1ns,pause=1@0.5s+2s", 2));
  EXPECT_THAT(ArrivalsOf(1, &network), ::testing::ElementsAre(::testing::DoubleEq(2.5)));
  SimNetwork later(2, ParseSimOptions("delay=uniform:1s:1s,work=1ns,pause=1@2s+2s", 2));
  EXPECT_THAT(ArrivalsOf(1, &later), ::testing::ElementsAre(::testing::DoubleNear(1, 1e-6)));
}

TEST(SimNetwork, ALinkThatIsDownHoldsFramesBack) {
  SimNetwork network(
      3, ParseSimOptions("delay=uniform:1s:1s,work=1ns,down=1-0@0.5s+2s,down=0-2@0s+90s", 3));
  EXPECT_THAT(ArrivalsOf(1, &network), ::testing::ElementsAre(::testing::DoubleNear(3.5, 1e-6)));
}

TEST(SimNetwork, AFullQueueHoldsFramesAtTheSender) {
  for (const char* queue : {"queue=2", "queue=200B", "queue=299B"}) {
    SimNetwork network(2, ParseSimOptions(std::string("delay=uniform:1s:1s,work=1ns,") + queue, 2));
    EXPECT_THAT(
        ArrivalsOf(4, &network),
        ::testing::ElementsAre(::testing::DoubleNear(1, 1e-6), ::testing::DoubleNear(1, 1e-6),
                               ::testing::DoubleNear(2, 1e-6), ::testing::DoubleNear(2, 1e-6)));
    EXPECT_EQ(network.peak_bytes(0, 1), 400) << "what waits at the sender counts";
    EXPECT_EQ(network.peak_bytes(1, 0), 0);
    EXPECT_EQ(network.peak_bytes_at(1), 400);
  }
  SimNetwork network(2, ParseSimOptions("queue=10B", 2));
  EXPECT_EQ(ArrivalsOf(3, &network).size(), 3u) << "a frame above the limit goes alone";
}

TEST(SimNetwork, ACrashedRankIsGone) {
  SimNetwork network(2, ParseSimOptions("delay=uniform:1s:1s,work=1ns,crash=1@1.5s", 2));
  bool ended = false;
  network.Run([&](Endpoint& me) {
    if (me.rank() == 0) {
      me.Send(1, Frame(FrameKind::kGather, 0, 0, 68));
      me.NoteWaitingFor("what never comes");
      EXPECT_TRUE(me.Receive(5)) << "what was sent before the crash arrives";
      EXPECT_FALSE(me.Receive(50)) << "silence, but no deadlock";
      me.Send(1, Frame(FrameKind::kGather, 0, 0, 68));
      ended = true;
    } else {
      while (me.Receive(100)) me.Send(0, Frame(FrameKind::kHeartbeat, 0, 0, 0));
      ADD_FAILURE() << "the body of a crashed rank went on";
    }
  });
  EXPECT_TRUE(ended);
  EXPECT_THAT(network.crashed(), ::testing::ElementsAre(1));
  EXPECT_EQ(network.n_left(FrameKind::kGather), 1);
}

TEST(SimNetwork, ACrashLosesWhatWaitsAtTheSender) {
  SimNetwork network(2, ParseSimOptions("delay=uniform:1s:1s,work=1ns,queue=1,crash=0@1.5s", 2));
  EXPECT_EQ(ArrivalsOf(4, &network).size(), 2u);
}

TEST(SimNetwork, TampersWithFrames) {
  SimNetwork network(2, {}, [](int from, int to, std::vector<Frame>* frames) {
    EXPECT_EQ(from * 10 + to, 1);
    const uint64_t id = frames->front().header().request_id;
    if (id == 0) frames->clear();
    if (id == 1) frames->emplace_back(FrameKind::kGather, 7, 0, 0);
  });
  std::vector<uint64_t> ids;
  network.Run([&](Endpoint& me) {
    if (me.rank() == 0) {
      for (uint64_t i = 0; i < 3; ++i) me.Send(1, Frame(FrameKind::kGather, i, 0, 0));
    } else {
      for (int i = 0; i < 3; ++i) ids.push_back(me.Receive(1)->header().request_id);
    }
  });
  EXPECT_THAT(ids, ::testing::ElementsAre(1, 7, 2));
}

}  // namespace
}  // namespace zhiyin::net
