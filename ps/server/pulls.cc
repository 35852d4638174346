#include "ps/server/pulls.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "common/error.h"
#include "ps/protocol.h"

namespace zhiyin::ps::server {
namespace {

/// More than any job has: a larger step is damaged.
constexpr uint64_t kMaxStep = uint64_t{1} << 48;

}  // namespace

void Pulls::OnPull(net::Frame frame) {
  if (!IsRepeated(frame)) AnswerOrDefer(std::move(frame));
}

void Pulls::OnReadOnlyPull(const net::Frame& frame) {
  if (IsRepeated(frame)) return;
  replies_->Send(frame.source(), ReadRows(frame, &read_rows_));
  state_->report.n_peeked_keys += static_cast<int64_t>(read_rows_.size());
}

bool Pulls::IsRepeated(const net::Frame& frame) {
  if (!check_->IsRepeated(frame)) return false;
  ++state_->report.n_repeated_pulls;
  return true;
}

void Pulls::AnswerOrDefer(net::Frame frame) {
  const uint64_t step = frame.header().clock;
  const StepClock& clock = state_->clock;
  CheckStep(frame);
  if (clock.staleness() == 0 && step < clock.n_complete()) {
    Fail("pull from rank ", frame.source(), ": step ", step, " is complete, expected ",
         clock.n_complete(), " or later");
  }
  if (!clock.MayAnswer(step)) {
    const size_t n_max = kMaxPullsInFlight * static_cast<size_t>(state_->roles.n_workers);
    if (deferred_.size() >= n_max)
      Fail("pull from rank ", frame.source(), ": ", n_max,
           " pulls wait for an earlier step already");
    deferred_.push_back(std::move(frame));
    return;
  }
  Answer(std::move(frame));
}

void Pulls::CheckStep(const net::Frame& frame) const {
  const uint64_t step = frame.header().clock;
  if (step > kMaxStep)
    Fail("pull from rank ", frame.source(), ": step ", step, ", expected at most ", kMaxStep);
  if (step <= table::kMaxKeptStep) return;
  for (const table::Table& table : state_->tables) {
    if (!table::KeepsSteps(table.spec())) continue;
    Fail("pull from rank ", frame.source(), ": step ", step, ", expected at most ",
         table::kMaxKeptStep, ", the largest for eviction and exact admission, which table ",
         table.name(), " has");
  }
}

void Pulls::AnswerDeferred() {
  for (size_t n = deferred_.size(); n > 0; --n) {
    net::Frame frame = std::move(deferred_.front());
    deferred_.pop_front();
    AnswerOrDefer(std::move(frame));
  }
}

bool Pulls::MayWaitFor(int rank) const {
  return !deferred_.empty() &&
         std::none_of(deferred_.begin(), deferred_.end(),
                      [&](const net::Frame& f) { return f.source() == rank; });
}

net::Frame Pulls::ReadRows(const net::Frame& frame, std::vector<std::byte*>* rows) {
  const std::span<const Section> sections = check_->Sections(frame, /*one_section=*/false);
  StageClock<ServerStage>& stages = state_->stages;
  size_t n_keys = 0;
  size_t n_bytes = sizeof(ReplyPrelude);
  for (const Section& section : sections) {
    n_keys += section.n_keys;
    const table::TableSpec& spec = state_->tables[section.table].spec();
    if (section.flags & kFetch)
      n_bytes += WireBytes(spec.wire, section.n_keys * static_cast<size_t>(spec.dim));
  }
  rows->resize(n_keys);
  net::Frame reply(net::FrameKind::kPullReply, frame.header().request_id, frame.header().clock,
                   n_bytes);
  ReplyPrelude prelude{state_->clock.n_complete(), frame.header().request_id};
  std::byte* to = reply.payload().data() + sizeof(prelude);
  const Key* key = KeysBehind(sections);
  std::byte** row = rows->data();
  const uint64_t step = frame.header().clock;
  const uint64_t oldest_in_use = std::min(pending_->OldestStep(), step);
  for (const Section& section : sections) {
    table::Table& table = state_->tables[section.table];
    const std::span<const Key> keys(key, section.n_keys);
    const std::span<std::byte*> own(row, section.n_keys);
    for (const Key k : keys) prelude.key_sum += KeySum(section.table, k);
    stages.Enter(ServerStage::kLookUp);
    if (frame.kind() == net::FrameKind::kPull) {
      table.FindOrCreate(keys, step, own, oldest_in_use);
    } else {
      table.Find(keys, own);
    }
    key += section.n_keys;
    row += section.n_keys;
    if (!(section.flags & kFetch)) continue;
    stages.Enter(ServerStage::kRead);
    table.ReadWeights(own, table.spec().wire, to);
    to += WireBytes(table.spec().wire, section.n_keys * static_cast<size_t>(table.dim()));
  }
  stages.Enter(ServerStage::kOther);
  std::memcpy(reply.payload().data(), &prelude, sizeof(prelude));
  return reply;
}

void Pulls::Answer(net::Frame frame) {
  const int source = frame.source();
  const int worker = state_->roles.WorkerOfRank(source);
  pending_->CheckRoom(worker, frame);
  PendingPull pull = pending_->New(state_->version);
  replies_->Send(source, ReadRows(frame, &pull.rows));
  state_->report.n_pulled_keys += static_cast<int64_t>(pull.rows.size());
  // At staleness 0 a gradient is applied to the weights that it was computed with.
  if (state_->clock.staleness() != 0) KeepPulledWeights(frame, &pull);
  pull.request = std::move(frame);
  pending_->Add(worker, std::move(pull));
}

void Pulls::KeepPulledWeights(const net::Frame& frame, PendingPull* pull) {
  pull->weights.resize(state_->tables.size());
  std::byte* const* row = pull->rows.data();
  for (const Section& section : SectionsOf(frame, state_->tables.size())) {
    const table::Table& table = state_->tables[section.table];
    if (table.WantsPulledWeights()) {
      std::vector<float>& weights = pull->weights[section.table];
      weights.resize(section.n_keys * static_cast<size_t>(table.dim()));
      table.ReadWeights({row, section.n_keys}, FP32, weights.data());
    }
    row += section.n_keys;
  }
}

}  // namespace zhiyin::ps::server
