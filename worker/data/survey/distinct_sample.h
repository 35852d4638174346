// The distinct values of a stream, all of them or a sample of them, in bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "common/hash.h"

namespace zhiyin::worker::data {

/// Keeps a Payload for each distinct value: for all of them while they are at most n_max, then for
/// those whose hash begins with `depth` zero bits, where depth is as small as the bound allows
/// (adaptive sampling: Flajolet, Computing 43, 1990). Which values are kept does not depend on how
/// often or in which order they come. The number of distinct values is estimated with a relative
/// standard error of about 1.2 / sqrt(n_max). Used by one thread.
template <typename Payload>
class DistinctSample {
 public:
  /// REQUIRES: n_max > 0.
  explicit DistinctSample(size_t n_max) : n_max_(n_max) {}

  /// Returns the payload of a value, a new one where there is none yet; nullptr where the value is
  /// not in the sample. Valid until the next call.
  Payload* Add(uint64_t value) {
    if (!Covers(value)) return nullptr;
    Payload* const payload = &kept_[value];
    if (kept_.size() <= n_max_) return payload;
    while (kept_.size() > n_max_) {
      ++depth_;
      std::erase_if(kept_, [&](const auto& entry) { return !Covers(entry.first); });
    }
    const auto at = kept_.find(value);
    return at == kept_.end() ? nullptr : &at->second;
  }

  /// Whether the value belongs to the sample, if it occurs.
  bool Covers(uint64_t value) const {
    return depth_ == 0 || Mix(value ^ kSalt) >> (64 - depth_) == 0;
  }
  /// Whether all values are kept.
  bool is_exact() const { return depth_ == 0; }
  /// The number of values that each kept one stands for.
  double scale() const { return static_cast<double>(uint64_t{1} << depth_); }
  /// The number of distinct values; an estimate unless is_exact().
  int64_t n_distinct() const {
    return static_cast<int64_t>(static_cast<double>(kept_.size()) * scale());
  }
  const std::unordered_map<uint64_t, Payload>& kept() const { return kept_; }

 private:
  /// Makes the sample independent of what else the values are hashed for.
  static constexpr uint64_t kSalt = 0x73757276657921;

  size_t n_max_;
  int depth_ = 0;
  std::unordered_map<uint64_t, Payload> kept_;
};

}  // namespace zhiyin::worker::data
