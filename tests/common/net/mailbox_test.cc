#include "common/net/mailbox.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <thread>
#include <utility>

#include "common/net/sim_network.h"

namespace zhiyin::net {
namespace {

using ::testing::HasSubstr;

/// A rank that can be away: what arrives meanwhile is there when it comes back.
class Sleeper final : public Endpoint {
 public:
  explicit Sleeper(Endpoint* inner) : inner_(inner) {}
  void SleepUntil(double at_s) {
    while (Now() < at_s) {
      if (std::optional<Frame> frame = inner_->Receive(at_s)) arrived_.push_back(std::move(*frame));
    }
  }

  int rank() const override { return inner_->rank(); }
  int n_ranks() const override { return inner_->n_ranks(); }
  std::string host() const override { return inner_->host(); }
  double Now() const override { return inner_->Now(); }
  bool TimeIsVirtual() const override { return true; }
  void Send(int to, Frame frame) override { inner_->Send(to, std::move(frame)); }
  std::optional<Frame> Poll() override { return arrived_.empty() ? inner_->Poll() : Next(); }
  std::optional<Frame> Receive(double deadline) override {
    return arrived_.empty() ? inner_->Receive(deadline) : Next();
  }
  bool Flush(double deadline) override { return inner_->Flush(deadline); }
  void NoteWaitingFor(const char* what) override { inner_->NoteWaitingFor(what); }

 private:
  Frame Next() {
    Frame frame = std::move(arrived_.front());
    arrived_.pop_front();
    return frame;
  }

  Endpoint* inner_;
  std::deque<Frame> arrived_;
};

using Body = std::function<void(Mailbox& mailbox, Sleeper& me)>;

/// Runs a body on every rank over a simulated network; each gives up after 10 s.
void RunAll(int n_ranks, const Body& body) {
  SimNetwork network(n_ranks, {.seed = 1});
  network.Run([&](Endpoint& endpoint) {
    Sleeper me(&endpoint);
    Mailbox mailbox(&me, 10);
    body(mailbox, me);
  });
}

/// Runs rank 0's body against rank 1's.
void RunTwo(const std::function<void(Mailbox&)>& zero, const Body& one) {
  RunAll(2,
         [&](Mailbox& mailbox, Sleeper& me) { me.rank() == 0 ? zero(mailbox) : one(mailbox, me); });
}

/// At work until then: says so.
void WorkUntil(double at_s, Mailbox& mailbox, Sleeper& me) {
  while (me.Now() < at_s) {
    me.SleepUntil(std::min(at_s, me.Now() + 1));
    mailbox.SendHeartbeat();
  }
}

/// Alive until then, and waiting.
void WaitUntil(double at_s, Sleeper& me) {
  while (me.Now() < at_s) {
    me.SleepUntil(std::min(at_s, me.Now() + 1));
    me.Send(0, Frame(FrameKind::kWaiting, 0, 0, 0));
  }
}

TEST(Mailbox, KeepsFramesThatAreAskedForLater) {
  RunTwo(
      [](Mailbox& mailbox) {
        EXPECT_EQ(mailbox.Await({FrameKind::kPush}, "a push").text(), "second");
        EXPECT_EQ(mailbox.Await({FrameKind::kPull}, "a pull").text(), "first");
      },
      [](Mailbox& mailbox, Sleeper&) {
        mailbox.Send(0, Frame(FrameKind::kPull, 1, 0, "first"));
        mailbox.Send(0, Frame(FrameKind::kPush, 2, 0, "second"));
      });
}

TEST(Mailbox, KeepsTheOrderOfAKind) {
  RunTwo(
      [](Mailbox& mailbox) {
        mailbox.Await({FrameKind::kPush}, "a push");
        for (uint64_t i = 0; i < 5; ++i)
          EXPECT_EQ(mailbox.Await({FrameKind::kPull}, "a pull").header().request_id, i);
      },
      [](Mailbox& mailbox, Sleeper&) {
        for (uint64_t i = 0; i < 5; ++i) mailbox.Send(0, Frame(FrameKind::kPull, i, 0, 0));
        mailbox.Send(0, Frame(FrameKind::kPush, 9, 0, 0));
      });
}

TEST(Mailbox, AnothersFailureIsThrownHere) {
  RunTwo(
      [](Mailbox& mailbox) {
        try {
          mailbox.Await({FrameKind::kPull}, "a pull");
          FAIL();
        } catch (const Error& e) {
          EXPECT_STREQ(e.what(), "the disk is full");
        }
      },
      [](Mailbox& mailbox, Sleeper&) {
        mailbox.Send(0, Frame(FrameKind::kAbort, 0, 0, "the disk is full"));
      });
}

TEST(Mailbox, AStoppedJobEndsEveryWait) {
  RunTwo(
      [](Mailbox& mailbox) {
        EXPECT_THROW(mailbox.Await({FrameKind::kPull}, "a pull"), JobStopped);
      },
      [](Mailbox& mailbox, Sleeper&) { mailbox.Send(0, Frame(FrameKind::kStop, 0, 0, "enough")); });
}

/// What rank 0 says in the end when it waits and others do as told. Rank 1 is on node-b, 2 on
/// node-c, ...
std::string LastWords(int n_ranks, const std::function<void(Mailbox&)>& zero, const Body& others) {
  std::vector<std::string> hosts;
  for (int rank = 0; rank < n_ranks; ++rank)
    hosts.push_back("node-" + std::string(1, static_cast<char>('a' + rank)));
  std::string words;
  RunAll(n_ranks, [&](Mailbox& mailbox, Sleeper& me) {
    mailbox.SetHosts(hosts);
    try {
      me.rank() == 0 ? zero(mailbox) : others(mailbox, me);
    } catch (const Error& e) {
      if (me.rank() == 0) words = e.what();
    }
  });
  return words;
}

void AwaitRequests(Mailbox& mailbox) {
  mailbox.Await({FrameKind::kPull}, "requests");
}

TEST(Mailbox, SilenceIsBoundedAndSaysWhoWaitedForWhom) {
  EXPECT_EQ(LastWords(
                2,
                [](Mailbox& mailbox) {
                  mailbox.Await({FrameKind::kPush}, "a push");
                  mailbox.Await({FrameKind::kPullReply}, "a pull reply",
                                [](int rank) { return rank == 1; });
                },
                [](Mailbox& mailbox, Sleeper& me) {
                  mailbox.Send(0, Frame(FrameKind::kPush, 0, 812, 0));
                  me.SleepUntil(100);
                }),
            "no heartbeat from rank 1 on node-b for 10 s (the limit is --timeout_s); rank 0 on "
            "simulated: "
            "waited 10 s (the limit is --timeout_s) for a pull reply from rank 1 on node-b; the "
            "last message "
            "from rank 1 came 10 s ago: push of step 812");
}

TEST(Mailbox, AWaitForAnyoneNamesTheLastThatSpoke) {
  EXPECT_EQ(LastWords(
                3,
                [](Mailbox& mailbox) {
                  mailbox.Await({FrameKind::kGather}, "a gather");
                  AwaitRequests(mailbox);
                },
                [](Mailbox& mailbox, Sleeper& me) {
                  if (me.rank() == 2) mailbox.Send(0, Frame(FrameKind::kGather, 0, 0, 0));
                  WaitUntil(30, me);
                }),
            "rank 0 on simulated: waited 10 s (the limit is --timeout_s) for requests; the last "
            "message came "
            "10 s ago: gather from rank 2 on node-c")
      << "no rank is silent, and none is at work";
}

TEST(Mailbox, OfRanksThatWaitForEachOtherTheSilentOneIsNamedFirst) {
  // Rank 3 falls silent; 2 waits for it, 1 for 2, and 0 for anyone.
  EXPECT_THAT(LastWords(4, AwaitRequests,
                        [](Mailbox& mailbox, Sleeper& me) {
                          if (me.rank() == 3) {
                            mailbox.Send(2, Frame(FrameKind::kGather, 0, 5, 0));
                            return me.SleepUntil(100);
                          }
                          if (me.rank() == 2) mailbox.Await({FrameKind::kGather}, "a gather");
                          const int next = me.rank() + 1;
                          mailbox.Await({FrameKind::kBroadcast}, "an answer",
                                        [&](int rank) { return rank == next; });
                        }),
              ::testing::MatchesRegex(
                  "no heartbeat from rank 3 on node-d for (10|11) s .the limit is "
                  "--timeout_s.; rank 2 on simulated: waited (9|10) s for an answer from rank "
                  "3 on node-d; the last message from rank 3 came (9|10) s ago: gather"));
}

TEST(Mailbox, ASilentRankEndsTheJobWhateverElseGoesOn) {
  EXPECT_THAT(
      LastWords(3, AwaitRequests,
                [](Mailbox& mailbox, Sleeper& me) {
                  if (me.rank() == 2) return me.SleepUntil(200);
                  WorkUntil(100, mailbox, me);
                }),
      HasSubstr("no heartbeat from rank 2 on node-c for 11 s (the limit is --timeout_s); rank 0 on "
                "simulated: waited "));
}

TEST(Mailbox, WorkThatGoesOnAmongOthersExtendsTheWait) {
  // Ranks 1 and 2 only ever wait for each other, and say so; rank 0 is no part of it for 30 s, rank
  // 3 neither.
  RunAll(4, [&](Mailbox& mailbox, Sleeper& me) {
    if (me.rank() == 0 || me.rank() == 3) {
      mailbox.Await({FrameKind::kShutdown}, "the end");
      EXPECT_GT(me.Now(), 29);
      return;
    }
    const int other = 3 - me.rank();
    for (int i = 1; i <= 10; ++i) {
      if (me.rank() == 2) {
        me.SleepUntil(3 * i);
        mailbox.Send(other, Frame(FrameKind::kPull, 0, 0, 0));
      }
      mailbox.Await({FrameKind::kPull}, "a pull");
      if (me.rank() == 1) mailbox.Send(other, Frame(FrameKind::kPull, 0, 0, 0));
    }
    if (me.rank() == 2) {
      for (const int rank : {0, 3}) mailbox.Send(rank, Frame(FrameKind::kShutdown, 0, 0, 0));
    }
  });
}

TEST(Mailbox, ARankThatIsBusyAnsweringGivesSignsOfLife) {
  // Rank 1 never waits for long: all that it says to rank 0 in 30 s is that it is there.
  RunAll(3, [&](Mailbox& mailbox, Sleeper& me) {
    if (me.rank() == 0) {
      mailbox.Await({FrameKind::kShutdown}, "the end");
      EXPECT_GT(me.Now(), 29);
      return;
    }
    for (int i = 1; i <= 300; ++i) {
      if (me.rank() == 1) {
        mailbox.Await({FrameKind::kPull}, "a pull");
      } else {
        WorkUntil(0.1 * i, mailbox, me);
        mailbox.Send(1, Frame(FrameKind::kPull, 0, 0, 0));
      }
    }
    if (me.rank() == 2) mailbox.Send(0, Frame(FrameKind::kShutdown, 0, 0, 0));
  });
}

TEST(Mailbox, AllNoticeThatRankZeroIsSilent) {
  int n_noticed = 0;
  RunAll(3, [&](Mailbox& mailbox, Sleeper& me) {
    if (me.rank() == 0) return me.SleepUntil(100);
    try {
      me.rank() == 1 ? AwaitRequests(mailbox) : WorkUntil(50, mailbox, me);
      ADD_FAILURE() << "rank " << me.rank() << " did not notice";
    } catch (const TimeoutError& e) {
      EXPECT_TRUE(e.of_rank_zero());
      EXPECT_THAT(e.what(), HasSubstr("no heartbeat from rank 0 for 1"));
      EXPECT_NEAR(me.Now(), 11, 1.1);
      ++n_noticed;
    }
  });
  EXPECT_EQ(n_noticed, 2);
}

TEST(Mailbox, RankZeroThatWaitsGivesSignsOfLife) {
  RunTwo(AwaitRequests, [](Mailbox& mailbox, Sleeper& me) {
    WorkUntil(30, mailbox, me);
    mailbox.Send(0, Frame(FrameKind::kPull, 0, 0, 0));
  });
}

TEST(Mailbox, TimeInWhichARankDidNotLookCountsForNothing) {
  // Rank 0 is stopped for 60 s while rank 1 keeps sending; then all of it arrives at once.
  RunAll(2, [](Mailbox& mailbox, Sleeper& me) {
    if (me.rank() == 0) {
      mailbox.Await({FrameKind::kGather}, "a gather");
      me.SleepUntil(60);
      EXPECT_EQ(mailbox.Await({FrameKind::kPull}, "a pull").text(), "at last");
      return;
    }
    mailbox.Send(0, Frame(FrameKind::kGather, 0, 0, 0));
    WaitUntil(66, me);
    mailbox.Send(0, Frame(FrameKind::kPull, 0, 0, "at last"));
  });
}

TEST(Mailbox, APauseThatIsShorterThanTheLimitEndsNothing) {
  // Rank 1 is stopped for 9.9 s just before it would have given its sign; rank 2 is at work all the
  // time.
  RunAll(3, [](Mailbox& mailbox, Sleeper& me) {
    if (me.rank() == 0) {
      EXPECT_EQ(mailbox.Await({FrameKind::kPull}, "a pull").text(), "at last");
      return;
    }
    if (me.rank() == 2) return WorkUntil(17, mailbox, me);
    WaitUntil(5, me);
    me.SleepUntil(5.99 + 9.9);
    me.Send(0, Frame(FrameKind::kWaiting, 0, 0, 0));  // the one that is due
    WaitUntil(17, me);
    mailbox.Send(0, Frame(FrameKind::kPull, 0, 0, "at last"));
  });
}

TEST(Mailbox, KnowsWhenAWholeHostIsLost) {
  // Ranks 2 and 3 fall silent.
  const auto is_lost = [](const std::vector<std::string>& hosts) {
    bool lost = false;
    RunAll(4, [&](Mailbox& mailbox, Sleeper& me) {
      mailbox.SetHosts(hosts);
      if (me.rank() >= 2) return me.SleepUntil(100);
      if (me.rank() == 1) return WaitUntil(20, me);
      EXPECT_FALSE(mailbox.HostIsLost());
      EXPECT_THROW(AwaitRequests(mailbox), TimeoutError);
      lost = mailbox.HostIsLost();
    });
    return lost;
  };
  EXPECT_TRUE(is_lost({"simulated", "b", "c", "c"}));
  EXPECT_TRUE(is_lost({"simulated", "b", "b", "c"}));
  EXPECT_FALSE(is_lost({"simulated", "b", "b", "b"})) << "rank 1 is there";
  EXPECT_FALSE(is_lost({"simulated", "b", "simulated", "simulated"})) << "rank 0 is there";
  EXPECT_FALSE(is_lost({})) << "the hosts are not known";
}

TEST(Mailbox, RankZerosHostMayBeLostToAnother) {
  for (const bool same_host : {true, false}) {
    RunAll(2, [&](Mailbox& mailbox, Sleeper& me) {
      mailbox.SetHosts({same_host ? "simulated" : "a", "simulated"});
      if (me.rank() == 0) return me.SleepUntil(100);
      EXPECT_THROW(AwaitRequests(mailbox), TimeoutError);
      EXPECT_EQ(mailbox.HostIsLost(), !same_host);
    });
  }
}

TEST(Mailbox, ASignOfLifeExtendsTheWait) {
  RunTwo(
      [](Mailbox& mailbox) {
        EXPECT_EQ(mailbox.Await({FrameKind::kPull}, "a pull").text(), "at last");
        EXPECT_GT(mailbox.endpoint().Now(), 30);
      },
      [](Mailbox& mailbox, Sleeper& me) {
        for (int i = 1; i <= 5; ++i) {
          me.SleepUntil(8 * i);
          mailbox.SendHeartbeat();
          mailbox.SendHeartbeat();  // says nothing: a second has not passed
        }
        mailbox.Send(0, Frame(FrameKind::kPull, 0, 0, "at last"));
      });
}

TEST(Mailbox, WaitingIsASignOfLifeButExtendsNoWait) {
  RunTwo(
      [](Mailbox& mailbox) {
        try {
          mailbox.Await({FrameKind::kPull}, "a pull");
          FAIL();
        } catch (const TimeoutError& e) {
          EXPECT_STREQ(e.what(),
                       "rank 0 on simulated: waited 10 s (the limit is --timeout_s) for a pull; no "
                       "message has come");
          EXPECT_FALSE(e.of_rank_zero());
          EXPECT_NEAR(mailbox.endpoint().Now(), 10, 0.01);
        }
      },
      [](Mailbox&, Sleeper& me) { WaitUntil(12, me); });
}

TEST(Mailbox, RefusesAWaitForARankThatIsNone) {
  RunTwo(
      [](Mailbox& mailbox) {
        try {
          mailbox.Await({FrameKind::kPull}, "a pull");
          FAIL();
        } catch (const Error& e) {
          EXPECT_STREQ(e.what(), "waiting from rank 1: waits for rank 2, but there are 2 ranks");
        }
      },
      [](Mailbox& mailbox, Sleeper&) {
        mailbox.Send(0, Frame(FrameKind::kWaiting, 0, 3, "godot"));
      });
}

/// Runs rank 1's body, which serves rank 2; rank 0 waits for its last word with a limit of 10 s.
void RunServing(const std::function<void(Mailbox& mailbox, Sleeper& me)>& serve) {
  RunAll(3, [&](Mailbox& mailbox, Sleeper& me) {
    if (me.rank() == 0) {
      EXPECT_EQ(mailbox.Await({FrameKind::kPush}, "a push").text(), "done");
      EXPECT_GT(me.Now(), 20);
    } else if (me.rank() == 1) {
      serve(mailbox, me);
      mailbox.Send(0, Frame(FrameKind::kPush, 0, 0, "done"));
    } else {
      for (uint64_t i = 0; i < 60; ++i) me.Send(1, Frame(FrameKind::kPull, i, 0, 0));
      WaitUntil(40, me);
    }
  });
}

TEST(Mailbox, ARankThatIsAskedWithoutPauseIsAlive) {
  RunServing([](Mailbox& mailbox, Sleeper& me) {
    for (int i = 0; i < 60; ++i) {
      me.SleepUntil(me.Now() + 0.5);
      ASSERT_TRUE(mailbox.Take({FrameKind::kPull, FrameKind::kPeek}));
    }
  });
}

TEST(Mailbox, ARankThatWorksOffWhatItHasKeptIsAlive) {
  RunServing([](Mailbox& mailbox, Sleeper& me) {
    me.SleepUntil(1);
    EXPECT_FALSE(mailbox.Take({FrameKind::kPush}));  // keeps the pulls
    for (int i = 0; i < 60; ++i) {
      mailbox.Await({FrameKind::kPull}, "a pull");
      me.SleepUntil(me.Now() + 0.5);
    }
  });
}

/// The error of rank 0, which takes a pull of rank 1 every half second and finds one every time,
/// while rank 2 is silent.
std::string WordsOfBusyRank(const Body& take) {
  std::string words;
  RunAll(3, [&](Mailbox& mailbox, Sleeper& me) {
    if (me.rank() == 2) return me.SleepUntil(40);
    if (me.rank() == 1) {
      for (uint64_t i = 0; i < 60; ++i) mailbox.Send(0, Frame(FrameKind::kPull, i, 0, 0));
      return WaitUntil(40, me);
    }
    try {
      for (int i = 1; i <= 60; ++i) {
        me.SleepUntil(0.5 * i);
        take(mailbox, me);
      }
    } catch (const TimeoutError& e) {
      EXPECT_NEAR(me.Now(), 11, 1);
      words = e.what();
    }
  });
  return words;
}

TEST(Mailbox, ARankThatIsNeverIdleNoticesASilentOne) {
  const auto await = [](Mailbox& mailbox, Sleeper&) {
    mailbox.Await({FrameKind::kPull}, "a pull");
  };
  const auto take = [](Mailbox& mailbox, Sleeper&) { mailbox.Take({FrameKind::kPull}); };
  const auto await_kept = [](Mailbox& mailbox, Sleeper& me) {
    if (me.Now() < 0.6) mailbox.Take({FrameKind::kPush});  // keeps the pulls
    mailbox.Await({FrameKind::kPull}, "a pull");
  };
  for (const Body& body : {Body(await), Body(take), Body(await_kept)})
    EXPECT_THAT(WordsOfBusyRank(body), HasSubstr("no heartbeat from rank 2 for 11"));
}

TEST(Mailbox, ALookForSilenceKeepsTheOrderOfMessages) {
  RunTwo(
      [](Mailbox& mailbox) {
        for (uint64_t i = 0; i < 60; ++i) {
          static_cast<Sleeper&>(mailbox.endpoint()).SleepUntil(0.5 * static_cast<double>(i + 1));
          EXPECT_EQ(mailbox.Await({FrameKind::kPull}, "a pull").header().request_id, i);
        }
      },
      [](Mailbox& mailbox, Sleeper& me) {
        for (uint64_t i = 0; i < 60; ++i) mailbox.Send(0, Frame(FrameKind::kPull, i, 0, 0));
        WaitUntil(35, me);
      });
}

/// Rank 1 of two, alone: its clock runs with the looks at it, and rank 0 answers every heartbeat.
/// Called by the rank's thread, but for the counts.
class Lone final : public Endpoint {
 public:
  /// `tick_s`: by how much each look advances the clock.
  explicit Lone(double tick_s) : tick_s_(tick_s) {}

  int rank() const override { return 1; }
  int n_ranks() const override { return 2; }
  std::string host() const override { return "lone"; }
  double Now() const override { return tick_s_ * static_cast<double>(++n_looks); }
  bool TimeIsVirtual() const override { return false; }
  void Send(int, Frame frame) override {
    n_heartbeats += frame.kind() == FrameKind::kHeartbeat ? 1 : 0;
    answer_.emplace(FrameKind::kWaiting, 0, 0, 0);
    answer_->Arrived(0);
  }
  std::optional<Frame> Poll() override { return std::exchange(answer_, std::nullopt); }
  std::optional<Frame> Receive(double) override { return Poll(); }
  bool Flush(double) override { return true; }
  void NoteWaitingFor(const char*) override {}

  mutable std::atomic<int> n_looks = 0;
  std::atomic<int> n_heartbeats = 0;

 private:
  double tick_s_;
  std::optional<Frame> answer_;
};

TEST(Mailbox, ACallThatWaitsForTheDiskIsAccompaniedByHeartbeats) {
  Lone endpoint(0.01);
  Mailbox mailbox(&endpoint, 0.04);
  bool done = false;
  mailbox.WaitForDisk([&] {
    while (endpoint.n_heartbeats < 5) std::this_thread::yield();
    done = true;
  });
  EXPECT_TRUE(done);
}

TEST(Mailbox, ADiskThatNeverAnswersFallsSilent) {
  Lone endpoint(0.01);
  Mailbox mailbox(&endpoint, 0.04);  // the disk has ten times as much, forty looks
  mailbox.WaitForDisk([&] {
    while (endpoint.n_looks < 100) std::this_thread::yield();
  });
  EXPECT_GE(endpoint.n_heartbeats, 5);
  EXPECT_LE(endpoint.n_heartbeats, 40);
}

TEST(Mailbox, AFailureOfTheDiskComesOutOfTheCall) {
  Lone endpoint(0.01);
  Mailbox mailbox(&endpoint, 1000);
  EXPECT_THAT([&] { mailbox.WaitForDisk([] { Fail("the disk is full"); }); },
              ::testing::ThrowsMessage<Error>("the disk is full"));
}

TEST(Mailbox, TellsOfEverySignOfLife) {
  Lone endpoint(0.01);
  int n_signs = 0;
  Mailbox mailbox(&endpoint, 1000, [&] { ++n_signs; });
  mailbox.SendHeartbeat();
  mailbox.SendHeartbeat();
  EXPECT_EQ(n_signs, 2) << "whether or not it is time for a heartbeat";
}

}  // namespace
}  // namespace zhiyin::net
