// Who gets a row: new keys wait until they have been seen often enough.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/types.h"
#include "common/unique_keys.h"
#include "configs/job.pb.h"

namespace zhiyin::ps {

/// Sightings of keys without a row, for each virtual shard apart, in bounded memory.
class SightingCounts {
 public:
  virtual ~SightingCounts() = default;
  /// Counts a sighting and returns the number so far, at least 1.
  virtual uint32_t Sight(Key key, uint64_t step) = 0;
  virtual int64_t n_bytes() const = 0;
  /// All that is known of a shard's keys, "" when nothing; for checkpoints.
  virtual std::string SaveShard(int shard) const = 0;
  /// What SaveShard gave. Throws Error when it was saved with other settings.
  virtual void LoadShard(int shard, std::string_view bytes) = 0;
};

/// Decides for one table on one server. One thread. Determinism at staleness 0: exact candidates that are
/// never forgotten, and probabilities; the counters that keys of a Bloom filter share see a step's keys in
/// the order in which they came.
///
/// All pulls of a step get the same answer about a key: at staleness 0 the outcome does not depend on whose
/// pull came first.
class Admission {
 public:
  /// REQUIRES: a config that passed validation.
  Admission(const zhiyin::Admission& config, TableId table, uint64_t seed);

  /// Whether the key, which has no row and is pulled by this step, gets one.
  bool Admit(Key key, uint64_t step);

  int64_t n_bytes() const { return counts_ ? counts_->n_bytes() : 0; }
  std::string SaveShard(int shard) const { return counts_ ? counts_->SaveShard(shard) : ""; }
  void LoadShard(int shard, std::string_view bytes);

 private:
  zhiyin::Admission config_;
  uint64_t seed_;
  uint32_t sightings_ = 1;
  std::unique_ptr<SightingCounts> counts_;  // nullptr where nothing is counted
  UniqueKeys refused_;                      // by step_
  uint64_t step_ = 0;
};

std::unique_ptr<SightingCounts> MakeExactCounts(const zhiyin::Admission::Exact& config, TableId table);
std::unique_ptr<SightingCounts> MakeCountingBloom(const zhiyin::Admission::CountingBloom& config,
                                                  TableId table);

}  // namespace zhiyin::ps
