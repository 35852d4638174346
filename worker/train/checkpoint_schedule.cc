#include "worker/train/checkpoint_schedule.h"

#include <algorithm>

#include "common/bytes.h"

namespace zhiyin::worker::train {
namespace {

constexpr double kSecondsBetweenSyncPoints = 1;
/// By how much the number of steps between meetings may grow at a time.
constexpr uint64_t kGrowth = 4;
constexpr uint64_t kMostSteps = uint64_t{1} << 30;

}  // namespace

void FillCheckpoint(Checkpoint* checkpoint) {
  if (!checkpoint->has_keep()) checkpoint->set_keep(2);
  if (!checkpoint->has_full_every()) checkpoint->set_full_every(1);
  if (!checkpoint->has_max_failures()) checkpoint->set_max_failures(3);
}

void CheckCheckpoint(const config::Checker& check, const config::ConfigPath& path,
                     const Checkpoint& checkpoint) {
  check.CheckNotNegative(path("every_s"), checkpoint.every_s());
  check.CheckRange(path("every_steps"), checkpoint.every_steps(), int64_t{0}, int64_t{1} << 40);
  check.CheckRange(path("every_epochs"), checkpoint.every_epochs(), 0, 1'000'000);
  check.CheckRange(path("keep"), checkpoint.keep(), 1, 1000);
  check.CheckRange(path("full_every"), checkpoint.full_every(), 1, 1000);
  check.CheckRange(path("max_failures"), checkpoint.max_failures(), 0, 1'000'000);
  if (checkpoint.every_s() == 0 && checkpoint.every_steps() == 0 && checkpoint.every_epochs() == 0)
    check.Fail(path, "never writes any, expected every_s, every_steps or every_epochs");
}

std::string SyncPoint::Serialize() const {
  ByteWriter out;
  out.Put<uint8_t>(save);
  out.Put<uint8_t>(stop);
  out.Put(next);
  return out.Take();
}

SyncPoint SyncPoint::Parse(std::string_view bytes) {
  ByteReader in(bytes, "sync point");
  const uint8_t save = in.Get<uint8_t>();
  const uint8_t stop = in.Get<uint8_t>();
  const uint64_t next = in.Get<uint64_t>();
  if (save > 1 || stop > 1 || !in.AtEnd())
    Fail("sync point: ", bytes.size(), " bytes that are none");
  return {save == 1, stop == 1, next};
}

CheckpointSchedule::CheckpointSchedule(const Job& job, int64_t steps_per_epoch, int64_t first_step,
                                       const net::Endpoint* clock,
                                       std::function<bool()> stop_requested)
    : config_(job.train().checkpoint()),
      steps_per_epoch_(steps_per_epoch),
      clock_(clock),
      stop_requested_(std::move(stop_requested)),
      saved_s_(clock->Now()),
      saved_step_(static_cast<uint64_t>(first_step)),
      sync_s_(saved_s_),
      sync_step_(saved_step_) {}

SyncPoint CheckpointSchedule::InEpoch(int64_t epoch, uint64_t step) {
  const double now = clock_->Now();
  if (step > sync_step_) {
    const double step_s = (now - sync_s_) / static_cast<double>(step - sync_step_);
    const double wanted =
        step_s > 0 ? kSecondsBetweenSyncPoints / step_s : static_cast<double>(kMostSteps);
    interval_ = std::clamp(static_cast<uint64_t>(std::min(wanted, static_cast<double>(kMostSteps))),
                           uint64_t{1}, std::min(interval_ * kGrowth, kMostSteps));
  }
  sync_s_ = now;
  sync_step_ = step;
  const uint64_t every = static_cast<uint64_t>(config_.every_steps());
  SyncPoint sync_point;
  sync_point.stop = StopRequested();
  const bool is_time = config_.every_s() > 0 && now - saved_s_ >= config_.every_s();
  const bool is_step = every > 0 && step / every > saved_step_ / every;
  sync_point.save = sync_point.stop || is_time || is_step;
  if (sync_point.save) Saved(step);
  sync_point.next = step + interval_;
  if (every > 0) sync_point.next = std::min(sync_point.next, (step / every + 1) * every);
  if (sync_point.next >= static_cast<uint64_t>((epoch + 1) * steps_per_epoch_))
    sync_point.next = SyncPoint::kNone;
  return sync_point;
}

SyncPoint CheckpointSchedule::AfterEpoch(int64_t epoch, bool is_last) {
  SyncPoint sync_point;
  if (is_last) return sync_point;
  const uint64_t step = static_cast<uint64_t>((epoch + 1) * steps_per_epoch_);
  const uint64_t every = static_cast<uint64_t>(config_.every_steps());
  sync_point.stop = StopRequested();
  sync_point.save = sync_point.stop ||
                    (config_.every_epochs() > 0 && (epoch + 1) % config_.every_epochs() == 0) ||
                    (every > 0 && step / every > saved_step_ / every) ||
                    (config_.every_s() > 0 && clock_->Now() - saved_s_ >= config_.every_s());
  if (sync_point.save) Saved(step);
  return sync_point;
}

void CheckpointSchedule::Saved(uint64_t step) {
  saved_step_ = step;
  saved_s_ = clock_->Now();
}

}  // namespace zhiyin::worker::train
