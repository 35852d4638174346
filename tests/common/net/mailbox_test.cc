#include "common/net/mailbox.h"

#include <gmock/gmock.h>

#include "common/net/sim_network.h"

namespace zhiyin {
namespace {

using ::testing::HasSubstr;

/// Runs rank 0's body against rank 1's over a simulated network.
void RunTwo(const std::function<void(Mailbox&)>& zero, const std::function<void(Mailbox&)>& one) {
  SimNetwork network(2, {.seed = 1});
  network.Run([&](Endpoint& me) {
    Mailbox mailbox(&me, 10);
    (me.rank() == 0 ? zero : one)(mailbox);
  });
}

TEST(Mailbox, KeepsWhatNobodyAskedForYet) {
  RunTwo(
      [](Mailbox& mailbox) {
        EXPECT_EQ(mailbox.Await({FrameKind::kPush}, "a push").text(), "second");
        EXPECT_EQ(mailbox.Await({FrameKind::kPull}, "a pull").text(), "first");
      },
      [](Mailbox& mailbox) {
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
      [](Mailbox& mailbox) {
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
      [](Mailbox& mailbox) { mailbox.Send(0, Frame(FrameKind::kAbort, 0, 0, "the disk is full")); });
}

TEST(Mailbox, AStoppedJobEndsEveryWait) {
  RunTwo([](Mailbox& mailbox) { EXPECT_THROW(mailbox.Await({FrameKind::kPull}, "a pull"), JobStopped); },
         [](Mailbox& mailbox) { mailbox.Send(0, Frame(FrameKind::kStop, 0, 0, "enough")); });
}

TEST(Mailbox, SilenceIsBounded) {
  RunTwo(
      [](Mailbox& mailbox) {
        try {
          mailbox.Await({FrameKind::kPull}, "a pull");
          FAIL();
        } catch (const Error& e) {
          EXPECT_THAT(
              e.what(),
              HasSubstr("rank 0 on simulated: no news for 10 s (the limit is --timeout_s) while waiting "
                        "for a pull; no sign of life from rank 1 for 10 s"));
        }
      },
      [](Mailbox& mailbox) {
        mailbox.Send(0, Frame(FrameKind::kPush, 0, 0, 0));
        mailbox.endpoint().Receive(mailbox.endpoint().Now() + 100);
      });
}

TEST(Mailbox, ASignOfLifeExtendsTheWait) {
  RunTwo(
      [](Mailbox& mailbox) {
        EXPECT_EQ(mailbox.Await({FrameKind::kPull}, "a pull").text(), "at last");
        EXPECT_GT(mailbox.endpoint().Now(), 30);
      },
      [](Mailbox& mailbox) {
        for (int i = 0; i < 5; ++i) {
          mailbox.endpoint().Receive(mailbox.endpoint().Now() + 8);
          mailbox.SayAlive();
          mailbox.SayAlive();  // says nothing: a second has not passed
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
        } catch (const Silence& e) {
          EXPECT_STREQ(
              e.what(),
              "rank 0 on simulated: no news for 10 s (the limit is --timeout_s) while waiting for a pull");
          EXPECT_NEAR(mailbox.endpoint().Now(), 10, 0.01);
        }
      },
      [](Mailbox& mailbox) {
        for (int i = 0; i < 12; ++i) {
          mailbox.endpoint().Receive(mailbox.endpoint().Now() + 1);
          mailbox.Send(0, Frame(FrameKind::kWaiting, 0, 0, 0));
        }
      });
}

}  // namespace
}  // namespace zhiyin
