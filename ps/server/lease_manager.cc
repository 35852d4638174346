#include "ps/server/lease_manager.h"

#include <algorithm>
#include <numeric>

#include "common/error.h"
#include "common/random.h"

namespace zhiyin::ps::server {
namespace {

constexpr char kName[] = "lease manager";
/// Rounds that are remembered. At staleness 0 no worker that has slices is a whole round behind
/// another. One that has none, where there are more workers than slices, asks for all rounds of an
/// epoch at once, of which there are at most four (worker/train/dealer.h).
constexpr size_t kRoundsKept = 8;
/// The longest time that a slice takes.
constexpr double kMaxSliceS = 1e9;

}  // namespace

void RangeLeases::Begin(uint64_t epoch, uint64_t n_ranges, bool in_file_order) {
  begun_ = true;
  epoch_ = epoch;
  in_file_order_ = in_file_order;
  order_.resize(n_ranges);
  std::iota(order_.begin(), order_.end(), uint64_t{0});
  if (!in_file_order) Random(seed_, epoch).Shuffle(std::span(order_));
  states_.assign(n_ranges, State::kLeft);
  holders_.assign(n_ranges, {});
  takers_.assign(n_ranges, kNoWorker);
  n_held_.assign(static_cast<size_t>(n_workers_), 0);
  n_left_ = n_ranges;
  n_finished_ = 0;
  first_left_ = 0;
  n_done_.clear();
}

void RangeLeases::Enter(uint64_t epoch, uint64_t n_ranges, bool in_file_order) {
  if (n_ranges > static_cast<uint64_t>(kMaxRanges))
    Fail(kName, ": ", n_ranges, " ranges, expected at most ", kMaxRanges);
  if (!begun_) return Begin(epoch, n_ranges, in_file_order);
  if (epoch == epoch_) {
    if (n_ranges != order_.size() || in_file_order != in_file_order_)
      Fail(kName, ": an epoch of ", n_ranges, " ranges, others say ", order_.size());
    return;
  }
  if (epoch != epoch_ + 1 || n_finished_ < order_.size()) {
    Fail(kName, ": epoch ", epoch, " begins in epoch ", epoch_, " with ",
         order_.size() - n_finished_,
         " ranges to finish, expected the next one after the last range");
  }
  Begin(epoch, n_ranges, in_file_order);
}

void RangeLeases::Hold(int worker, const std::vector<uint64_t>& ranges) {
  for (size_t i = 0; i < ranges.size(); ++i) {
    if (ranges[i] >= order_.size() || (i > 0 && ranges[i] <= ranges[i - 1])) {
      Fail(kName, ": worker ", worker, " holds range ", ranges[i], " of ", order_.size(),
           ", expected ascending ones");
    }
    if (states_[ranges[i]] != State::kLeft || IsHeldBy(ranges[i], worker)) continue;
    holders_[ranges[i]].push_back(worker);
    ++n_held_[static_cast<size_t>(worker)];
  }
}

bool RangeLeases::IsHeldBy(uint64_t range, int worker) const {
  return std::find(holders_[range].begin(), holders_[range].end(), worker) != holders_[range].end();
}

std::optional<RangeGrant> RangeLeases::Take(int worker) {
  while (first_left_ < order_.size() && states_[order_[first_left_]] != State::kLeft) ++first_left_;
  if (first_left_ == order_.size()) return std::nullopt;
  const int fullest =
      static_cast<int>(std::max_element(n_held_.begin(), n_held_.end()) - n_held_.begin());
  std::optional<uint64_t> of_nobody;
  std::optional<uint64_t> of_fullest;
  std::optional<uint64_t> chosen;
  for (size_t at = first_left_; at < order_.size() && !chosen; ++at) {
    const uint64_t range = order_[at];
    if (states_[range] != State::kLeft) continue;
    if (IsHeldBy(range, worker)) chosen = range;
    if (holders_[range].empty() && !of_nobody) of_nobody = range;
    if (IsHeldBy(range, fullest)) of_fullest = range;
    // In file order no worker holds anything: the first one is chosen.
    if (of_nobody && n_held_[static_cast<size_t>(worker)] == 0) break;
  }
  if (!chosen) chosen = of_nobody ? of_nobody : of_fullest;
  const uint64_t range = *chosen;
  for (const int holder : holders_[range]) --n_held_[static_cast<size_t>(holder)];
  states_[range] = State::kTaken;
  takers_[range] = static_cast<uint64_t>(worker);
  --n_left_;
  const auto done = n_done_.find(range);
  return RangeGrant{range, order_.size() - n_left_ - 1, done == n_done_.end() ? 0 : done->second};
}

void RangeLeases::Finish(int worker, const std::vector<uint64_t>& ranges) {
  for (const uint64_t range : ranges) {
    if (range >= order_.size() || states_[range] != State::kTaken ||
        takers_[range] != static_cast<uint64_t>(worker)) {
      Fail(kName, ": worker ", worker, " finishes range ", range, " of ", order_.size(),
           ", which it does not work on");
    }
    states_[range] = State::kFinished;
    ++n_finished_;
  }
}

void RangeLeases::Resume(const LeaseRequest& left) {
  if (begun_ || next_ticket_ > 0)
    Fail(kName, ": a job is resumed that has begun, expected that before anything else");
  if (left.n_ranges > static_cast<uint64_t>(kMaxRanges))
    Fail(kName, ": ", left.n_ranges, " ranges, expected at most ", kMaxRanges);
  for (size_t i = 0; i < left.done.size(); ++i) {
    const uint64_t range = left.done[i].range;
    if (range >= left.n_ranges || (i > 0 && range <= left.done[i - 1].range))
      Fail(kName, ": range ", range, " of ", left.n_ranges, " is done, expected ascending ones");
  }
  next_ticket_ = left.next_ticket;
  Begin(left.epoch, left.n_ranges, left.in_file_order);
  for (const RangeDone& one : left.done) {
    if (one.all) {
      states_[one.range] = State::kFinished;
      ++n_finished_;
      --n_left_;
    } else {
      n_done_[one.range] = one.n_batches;
    }
  }
}

const std::vector<uint32_t>& RoundOwners::Owners(int worker, uint64_t round, uint32_t n_slices,
                                                 double seconds) {
  if (!(seconds >= 0 && seconds <= kMaxSliceS))
    Fail("worker ", worker, " takes ", seconds, " s for a slice, expected 0 to ", kMaxSliceS);
  if (n_slices == 0 || n_slices > 1u << 16)
    Fail("a step of ", n_slices, " slices, expected 1 to ", 1u << 16);
  if (rounds_.empty()) {
    std::vector<uint32_t>& owners = rounds_.emplace_back(n_slices);
    for (uint32_t s = 0; s < n_slices; ++s) owners[s] = s % static_cast<uint32_t>(seconds_.size());
    first_round_ = round;
  }
  if (n_slices != rounds_.back().size())
    Fail("a step of ", n_slices, " slices, others say ", rounds_.back().size());
  if (round < first_round_ || round > first_round_ + rounds_.size()) {
    Fail("round ", round, " of the slices, expected ", first_round_, " to ",
         first_round_ + rounds_.size());
  }
  if (seconds > 0) seconds_[static_cast<size_t>(worker)] = seconds;
  if (round == first_round_ + rounds_.size()) Fix();
  return rounds_[static_cast<size_t>(round - first_round_)];
}

void RoundOwners::Fix() {
  if (rounds_.size() == kRoundsKept) {
    rounds_.erase(rounds_.begin());
    ++first_round_;
  }
  std::vector<uint32_t> owners = rounds_.back();
  const size_t n_workers = seconds_.size();
  std::vector<double> n_slices(n_workers);
  for (const uint32_t owner : owners) ++n_slices[owner];
  const bool all_known =
      std::all_of(seconds_.begin(), seconds_.end(), [](double s) { return s > 0; });
  const auto step_s = [&](size_t w, double more) { return (n_slices[w] + more) * seconds_[w]; };
  // No slice moves twice, unless the times are so small that products of them are rounded.
  for (size_t n_moves = 0; all_known && n_moves < owners.size(); ++n_moves) {
    size_t slowest = 0;
    size_t fastest = 0;
    for (size_t w = 1; w < n_workers; ++w) {
      if (step_s(w, 0) > step_s(slowest, 0)) slowest = w;
      if (step_s(w, 1) < step_s(fastest, 1)) fastest = w;
    }
    // One slice stays with each, so that its speed stays known.
    if (n_slices[slowest] <= 1 || step_s(slowest, 0) < kMinGain * step_s(fastest, 1)) break;
    const auto last = std::find(owners.rbegin(), owners.rend(), static_cast<uint32_t>(slowest));
    *last = static_cast<uint32_t>(fastest);
    --n_slices[slowest];
    ++n_slices[fastest];
  }
  rounds_.push_back(std::move(owners));
}

std::string LeaseManager::Answer(int worker, std::string_view request) {
  LeaseRequest asked = LeaseRequest::Parse(request);
  LeaseReply reply;
  reply.kind = asked.kind;
  switch (asked.kind) {
    case LeaseKind::kRange:
      ranges_.Enter(asked.epoch, asked.n_ranges, asked.in_file_order);
      ranges_.Finish(worker, asked.finished);
      ranges_.Hold(worker, asked.held);
      if (asked.wants_more) reply.range = ranges_.Take(worker);
      break;
    case LeaseKind::kTicket:
      reply.ticket = ranges_.TakeTicket();
      break;
    case LeaseKind::kRound:
      reply.owners = rounds_.Owners(worker, asked.round, asked.n_slices, asked.slice_s);
      break;
    case LeaseKind::kResume:
      if (worker != 0)
        Fail(kName, ": worker ", worker, " says where the job stands, expected worker 0");
      ranges_.Resume(asked);
      break;
  }
  return reply.Serialize();
}

}  // namespace zhiyin::ps::server
