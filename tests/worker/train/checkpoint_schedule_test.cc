#include "worker/train/checkpoint_schedule.h"

#include <gmock/gmock.h>

#include <vector>

#include "common/error.h"

namespace zhiyin::worker::train {
namespace {

using ::testing::ElementsAre;

/// A clock that the test sets.
class Clock final : public net::Endpoint {
 public:
  double now = 100;

  int rank() const override { return 0; }
  int n_ranks() const override { return 1; }
  std::string host() const override { return "here"; }
  double Now() const override { return now; }
  bool TimeIsVirtual() const override { return true; }
  void Send(int, net::Frame) override {}
  std::optional<net::Frame> Poll() override { return {}; }
  std::optional<net::Frame> Receive(double) override { return {}; }
  bool Flush(double) override { return true; }
  void NoteWaitingFor(const char*) override {}
};

class Schedule : public ::testing::Test {
 protected:
  static constexpr int64_t kStepsPerEpoch = 1000;

  CheckpointSchedule Make(int64_t first_step = 0) {
    return CheckpointSchedule(job_, kStepsPerEpoch, first_step, &clock_, [this] { return stop_; });
  }
  /// Of an epoch: the steps at which something is saved. Every step takes so long.
  std::vector<uint64_t> Saved(CheckpointSchedule* schedule, int64_t epoch, double step_s,
                              uint64_t first = 0) {
    std::vector<uint64_t> saved;
    n_sync_points_ = 0;
    for (uint64_t step = first; step != SyncPoint::kNone;) {
      const SyncPoint sync_point = schedule->InEpoch(epoch, step);
      ++n_sync_points_;
      if (sync_point.save) saved.push_back(step);
      if (sync_point.stop) break;
      EXPECT_GT(sync_point.next, step);
      if (sync_point.next != SyncPoint::kNone)
        clock_.now += step_s * static_cast<double>(sync_point.next - step);
      step = sync_point.next;
    }
    return saved;
  }

  Job job_;
  Clock clock_;
  bool stop_ = false;
  int n_sync_points_ = 0;
};

TEST_F(Schedule, BySteps) {
  job_.mutable_train()->mutable_checkpoint()->set_every_steps(300);
  CheckpointSchedule schedule = Make();
  EXPECT_THAT(Saved(&schedule, 0, 0.01), ElementsAre(300, 600, 900));
  EXPECT_FALSE(schedule.AfterEpoch(0, false).save);
  EXPECT_THAT(Saved(&schedule, 1, 0.01, 1000), ElementsAre(1200, 1500, 1800));
  EXPECT_FALSE(schedule.AfterEpoch(1, false).save);
  // An epoch that ends at such a step.
  Saved(&schedule, 2, 0.01, 2000);
  EXPECT_TRUE(schedule.AfterEpoch(2, false).save);
  EXPECT_FALSE(schedule.AfterEpoch(3, true).save) << "the model is saved instead";
}

TEST_F(Schedule, ByTimeAndAboutOnceASecond) {
  job_.mutable_train()->mutable_checkpoint()->set_every_s(3);
  CheckpointSchedule schedule = Make();
  const std::vector<uint64_t> saved = Saved(&schedule, 0, 0.01);  // ten seconds
  ASSERT_EQ(saved.size(), 3u);
  EXPECT_GE(saved[0], 300u);
  EXPECT_LE(saved[0], 400u);
  EXPECT_LE(n_sync_points_, 15);
  // Steps that take no time that can be told do not make it meet for ever.
  Saved(&schedule, 1, 0, 1000);
  EXPECT_LE(n_sync_points_, 12);
}

TEST_F(Schedule, ByEpochs) {
  job_.mutable_train()->mutable_checkpoint()->set_every_epochs(2);
  CheckpointSchedule schedule = Make();
  EXPECT_THAT(Saved(&schedule, 0, 0.01), ElementsAre());
  EXPECT_FALSE(schedule.AfterEpoch(0, false).save);
  EXPECT_TRUE(schedule.AfterEpoch(1, false).save);
}

TEST_F(Schedule, EndsEarlyWithACheckpoint) {
  CheckpointSchedule schedule = Make();
  EXPECT_THAT(Saved(&schedule, 0, 0.01), ElementsAre());
  stop_ = true;
  const SyncPoint between = schedule.AfterEpoch(0, false);
  EXPECT_TRUE(between.save && between.stop);
  const SyncPoint within = schedule.InEpoch(1, 1000);
  EXPECT_TRUE(within.save && within.stop);
  EXPECT_FALSE(schedule.AfterEpoch(1, true).stop) << "it is done";
}

TEST_F(Schedule, GoesOnWithoutSavingWhatItHasJustLoaded) {
  job_.mutable_train()->mutable_checkpoint()->set_every_steps(300);
  CheckpointSchedule schedule = Make(600);
  EXPECT_THAT(Saved(&schedule, 0, 0.01, 600), ElementsAre(900));
}

TEST(SyncPoint, ComesBackAsItWas) {
  const SyncPoint back = SyncPoint::Parse(SyncPoint{true, false, 77}.Serialize());
  EXPECT_TRUE(back.save);
  EXPECT_FALSE(back.stop);
  EXPECT_EQ(back.next, 77u);
  EXPECT_THROW(SyncPoint::Parse("x"), Error);
  EXPECT_THROW(SyncPoint::Parse(std::string(10, '\2')), Error);
}

}  // namespace
}  // namespace zhiyin::worker::train
