// The bound on staleness, which decides when a pull may be answered.
#pragma once

#include <cstdint>
#include <map>
#include <set>

namespace zhiyin::ps::server {

/// Stale synchronous parallel (Ho et al., NIPS 2013). A step is complete when all its slices have
/// been pushed; a pull of step t is answered once the steps before t - staleness are complete.
/// Holds the counts, not the messages. Used by one thread.
class StepClock {
 public:
  /// `staleness`: -1 means no bound. `n_complete`: steps that an earlier run of the job has done.
  explicit StepClock(int staleness, uint64_t n_complete = 0)
      : staleness_(staleness), n_complete_(n_complete) {}

  int staleness() const { return staleness_; }
  /// The number of complete steps: 0 .. n_complete() - 1 are complete.
  uint64_t n_complete() const { return n_complete_; }

  /// Whether a pull of this step may be answered now.
  bool MayAnswer(uint64_t step) const {
    return staleness_ < 0 || step <= n_complete_ + static_cast<uint64_t>(staleness_);
  }
  /// Whether this slice of an incomplete step has been pushed.
  bool Has(uint64_t step, uint32_t slice) const {
    const auto at = arrived_.find(step);
    return at != arrived_.end() && at->second.contains(slice);
  }
  /// Notes that a slice of a step was pushed. Returns whether that completed one or more steps.
  /// REQUIRES: !Has(step, slice), the step is not complete, and all steps have as many slices.
  bool Pushed(uint64_t step, uint32_t slice, uint32_t n_slices) {
    arrived_[step].insert(slice);
    const uint64_t before = n_complete_;
    for (auto it = arrived_.begin();
         it != arrived_.end() && it->first == n_complete_ && it->second.size() == n_slices;) {
      it = arrived_.erase(it);
      ++n_complete_;
    }
    return n_complete_ != before;
  }

 private:
  int staleness_;
  uint64_t n_complete_;
  std::map<uint64_t, std::set<uint32_t>> arrived_;  // slices of incomplete steps
};

}  // namespace zhiyin::ps::server
