#include "worker/train/sync_points.h"

namespace zhiyin::worker::train {

SyncPoints::SyncPoints(const Job& job, const Settings& settings, const net::Endpoint* clock,
                       ps::client::Client* client, Group* group)
    : group_(group) {
  if (!group->IsChief()) return;
  keeper_.emplace(job, settings.output, client, settings.say);
  schedule_.emplace(job, settings.steps_per_epoch, settings.first_step, clock,
                    settings.stop_requested);
}

SyncPoint SyncPoints::InEpoch(int64_t epoch, uint64_t step) {
  SyncPoint sync_point;
  if (schedule_) sync_point = schedule_->InEpoch(epoch, step);
  if (keeper_) keeper_->Finish(/*wait=*/false);
  return Share(sync_point);
}

SyncPoint SyncPoints::AfterEpoch(int64_t epoch, bool is_last) {
  return Share(schedule_ ? schedule_->AfterEpoch(epoch, is_last) : SyncPoint());
}

void SyncPoints::Finish() {
  if (keeper_) keeper_->Finish(/*wait=*/true);
}

SyncPoint SyncPoints::Share(const SyncPoint& from_chief) {
  return SyncPoint::Parse(
      group_->Broadcast(from_chief.Serialize(), "whether to write a checkpoint"));
}

}  // namespace zhiyin::worker::train
