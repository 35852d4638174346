#include "ps/server/pushes.h"

#include <algorithm>
#include <utility>

#include "common/error.h"
#include "ps/server/request_check.h"

namespace zhiyin::ps::server {
namespace {

/// Steps that a server may hear of before it has completed the current one. Workers have a bounded
/// number of pushes in flight, so that no correct worker is further ahead.
constexpr uint64_t kMaxStepsAhead = 64;

}  // namespace

Pushes::Pushes(ServerState* state, Replies* replies, PendingPulls* pending,
               PushGradients* gradients, GradientCheck* gradient_check, uint64_t first_step)
    : state_(state),
      replies_(replies),
      pending_(pending),
      gradients_(gradients),
      gradient_check_(gradient_check),
      last_sequence_(static_cast<size_t>(state->roles.n_workers)),
      latest_step_(static_cast<size_t>(state->roles.n_workers), first_step),
      sums_(state->tables.size()) {}

bool Pushes::OnPush(net::Frame frame) {
  const PushPrelude prelude = PreludeOf(frame);
  const uint64_t step = frame.header().clock;
  const uint64_t id = frame.header().request_id;
  const int source = frame.source();
  const size_t worker = static_cast<size_t>(state_->roles.WorkerOfRank(source));
  uint64_t& last = last_sequence_[worker];
  if (prelude.sequence <= last) {
    ++state_->report.n_repeated_pushes;
    replies_->Send(source, net::Frame(net::FrameKind::kPushReply, id, step, 0));
    return false;
  }
  if (prelude.sequence != last + 1)
    Fail("push from rank ", source, ": number ", prelude.sequence, ", expected ", last + 1,
         ": one was lost");
  last = prelude.sequence;

  PendingPull pull = TakePull(prelude, frame);
  CheckSlice(prelude, frame);
  if (gradient_check_->Refuses(pull, frame)) {
    state_->report.n_refused_keys += static_cast<int64_t>(pull.rows.size());
    pull.rows.clear();
  }
  StepClock& clock = state_->clock;
  if (clock.staleness() == 0) {
    Gather(prelude, std::move(pull), std::move(frame));
  } else {
    ApplyOne(pull, frame);
    pending_->Recycle(std::move(pull));
    latest_step_[worker] = std::max(latest_step_[worker], step);
    EndStep(SlowestStep(), pending_->OldestStep());
  }
  replies_->Send(source, net::Frame(net::FrameKind::kPushReply, id, step, 0));
  return clock.staleness() >= 0 && prelude.n_slices > 0 &&
         clock.Pushed(step, prelude.slice, prelude.n_slices);
}

PendingPull Pushes::TakePull(const PushPrelude& prelude, const net::Frame& push) {
  const uint64_t step = push.header().clock;
  PendingPull pull =
      prelude.pull_id == 0  // nothing was pulled from here
          ? pending_->New(state_->version)
          : pending_->Take(state_->roles.WorkerOfRank(push.source()), prelude.pull_id, push);
  if (prelude.pull_id != 0 && pull.step() != step) {
    Fail("push from rank ", push.source(), ": step ", step, ", but its pull was of step ",
         pull.step());
  }
  const size_t expected = sizeof(PushPrelude) + gradients_->Bytes(pull);
  if (push.payload().size() != expected) {
    Fail("push from rank ", push.source(), ": ", push.payload().size(), " bytes, expected ",
         expected);
  }
  return pull;
}

void Pushes::CheckSlice(const PushPrelude& prelude, const net::Frame& push) {
  const int source = push.source();
  const StepClock& clock = state_->clock;
  if (prelude.n_slices == 0) {
    if (clock.staleness() == 0)
      Fail("push from rank ", source,
           ": belongs to no step, expected one of a step at staleness 0");
    return;
  }
  if (prelude.slice >= prelude.n_slices)
    Fail("push from rank ", source, ": slice ", prelude.slice, ", expected less than ",
         prelude.n_slices);
  if (n_slices_ == 0) n_slices_ = prelude.n_slices;
  if (prelude.n_slices != n_slices_) {
    Fail("push from rank ", source, ": a step of ", prelude.n_slices, " slices, others say ",
         n_slices_);
  }
  if (clock.staleness() < 0) return;
  // A worker that needs no row of this server learns from the others that a step is complete, maybe
  // before this server does.
  const uint64_t step = push.header().clock;
  const uint64_t n_ahead = kMaxStepsAhead + static_cast<uint64_t>(clock.staleness());
  if (step < clock.n_complete() || step - clock.n_complete() >= n_ahead) {
    Fail("push from rank ", source, ": step ", step, ", expected ", clock.n_complete(), " to ",
         clock.n_complete() + n_ahead - 1);
  }
  if (clock.Has(step, prelude.slice))
    Fail("push from rank ", source, ": slice ", prelude.slice, " of step ", step, " came twice");
}

void Pushes::ApplyOne(const PendingPull& pull, const net::Frame& push) {
  ++state_->report.n_applied_pushes;
  if (pull.rows.empty()) return;
  const ScopedStage stage(&state_->stages, ServerStage::kUpdate);
  gradients_->ForEachSection(
      pull, push, [&](table::Table& table, auto rows, const float* gradients, const float* pulled) {
        table.Apply(rows, gradients, pulled, push.header().clock);
      });
  CountApplied(pull);
  ++state_->version;
}

void Pushes::Gather(const PushPrelude& prelude, PendingPull pull, net::Frame push) {
  const uint64_t n_complete = state_->clock.n_complete();
  const size_t ahead = push.header().clock - n_complete;
  if (gathering_.size() <= ahead) gathering_.resize(ahead + 1);
  gathering_[ahead][prelude.slice] = {std::move(pull), std::move(push)};
  for (uint64_t done = n_complete; !gathering_.empty() && gathering_.front().size() == n_slices_;
       ++done) {
    ApplyStep(done, &gathering_.front());
    gathering_.pop_front();
  }
}

void Pushes::ApplyStep(uint64_t step, WaitingStep* slices) {
  StageClock<ServerStage>& stages = state_->stages;
  stages.Enter(ServerStage::kSum);
  for (RowSum& sum : sums_) sum.Clear();
  state_->report.n_applied_pushes += static_cast<int64_t>(slices->size());
  for (const auto& [number, slice] : *slices) {
    gradients_->ForEachSection(
        slice.pull, slice.push,
        [&](const table::Table& table, auto rows, const float* gradients, const float*) {
          sums_[table.spec().id].Add(rows, gradients, table.dim());
        });
    if (!slice.pull.rows.empty()) CountApplied(slice.pull);
  }
  stages.Enter(ServerStage::kUpdate);
  for (size_t t = 0; t < sums_.size(); ++t)
    state_->tables[t].Apply(sums_[t].rows(), sums_[t].sums(), /*pulled=*/nullptr, step);
  stages.Enter(ServerStage::kOther);
  ++state_->version;
  for (auto& [number, slice] : *slices) pending_->Recycle(std::move(slice.pull));
  // No row is in use: the pulls of later steps wait for this one.
  EndStep(step, table::Table::kNoneInUse);
}

void Pushes::CountApplied(const PendingPull& pull) {
  ServerReport& report = state_->report;
  report.n_pushed_keys += static_cast<int64_t>(pull.rows.size());
  ++report.staleness[std::min<size_t>(state_->version - pull.version,
                                      ServerReport::kStalenessBins - 1)];
}

void Pushes::EndStep(uint64_t step, uint64_t oldest_in_use) {
  const ScopedStage stage(&state_->stages, ServerStage::kTidy);
  for (table::Table& table : state_->tables) table.EndStep(step, oldest_in_use);
}

uint64_t Pushes::SlowestStep() const {
  return *std::min_element(latest_step_.begin(), latest_step_.end());
}

int64_t Pushes::n_gathering() const {
  int64_t n = 0;
  for (const WaitingStep& step : gathering_) n += static_cast<int64_t>(step.size());
  return n;
}

}  // namespace zhiyin::ps::server
