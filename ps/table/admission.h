// Admission: a new key gets a row once it has had enough occurrences.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/checker.h"
#include "common/types.h"
#include "common/unique_keys.h"
#include "configs/job.pb.h"
#include "ps/table/shard_arrays.h"

namespace zhiyin::ps::table {

void FillAdmission(zhiyin::Admission* config);
/// Throws Error, by way of `check`, for the first thing that is impossible. REQUIRES: defaults are
/// filled in.
void CheckAdmission(const config::Checker& check, const config::ConfigPath& path,
                    const zhiyin::Admission& config);

/// Counts the occurrences of keys without a row, in bounded memory. Each virtual shard has counts
/// of its own, which depend only on the calls for keys of that shard.
class OccurrenceCounts {
 public:
  virtual ~OccurrenceCounts() = default;
  /// The number of occurrences of the key, without that in `step` if the counts can tell.
  virtual uint32_t NumSighted(Key key, uint64_t step) = 0;
  /// Counts an occurrence of the key in `step`; not again, if the counts can tell that `step` was
  /// the last to be counted for the key.
  virtual void Sight(Key key, uint64_t step) = 0;
  /// Removes the counts of a key that has a row now, if the counts can do that: should the row be
  /// evicted, the key starts from zero.
  virtual void Forget(Key key, uint64_t step) = 0;
  virtual int64_t n_bytes() const = 0;
  /// The most that n_bytes() can become, on one server that has all shards.
  virtual int64_t MostBytes() const = 0;
  /// The kind of counts and its parameters, in the format of a job. Counts with equal texts can
  /// load each other's shards.
  virtual std::string Text() const = 0;
  /// The counts of a shard's keys, for checkpoints; "" when there are none. As long as what is
  /// counted, not as what might be (shard_arrays.h).
  virtual std::string SaveShard(int shard) const = 0;
  /// Restores the counts of a shard from the bytes of SaveShard of counts with an equal Text.
  /// Throws Error on bytes that it did not write.
  virtual void LoadShard(int shard, std::string_view bytes, ShardCoding coding) = 0;
};

/// Decides on admission for one table on one server. Used by one thread.
///
/// The keys without a row that a step pulls are collected while the step is open, and counted, by
/// ascending key, when it is closed. The occurrences of a key are those that closed steps have
/// counted, plus one for each open step that has pulled it, including the current one. Hence all
/// pulls of a step get the same decision on a key, and where one step is open at a time, as at
/// staleness 0, the decisions do not depend on the order of the pulls.
///
/// Memory: the counts, and the keys of open steps. Opening a step closes the earliest ones while
/// more than kMaxOpenSteps are open, or while several are open with more than kMaxOpenKeys keys; so
/// does the end of loading, since files of several servers may hold different steps. A step that is
/// opened again after it was closed may be counted twice.
class Admission {
 public:
  static constexpr size_t kMaxOpenSteps = 8;
  static constexpr size_t kMaxOpenKeys = size_t{1} << 20;
  using HasRow = std::function<bool(Key)>;

  /// REQUIRES: a config that passed validation.
  Admission(const zhiyin::Admission& config, TableId table, uint64_t seed);

  /// Opens a step. Called before Admit for keys of this step.
  void Open(uint64_t step, const HasRow& has_row);
  /// Whether the key, which is pulled by the step opened last, gets a row. REQUIRES: it has none.
  bool Admit(Key key);
  /// Closes the steps before `step`. Keys that have a row by then are forgotten, the others are
  /// counted: a key that was admitted but found no room keeps its occurrences.
  void CloseBefore(uint64_t step, const HasRow& has_row);

  int64_t n_bytes() const;
  /// The most bytes that the counts can take, over all servers, without the keys of open steps.
  int64_t MostBytes() const { return counts_ ? counts_->MostBytes() : 0; }
  /// Text and SaveShard as in OccurrenceCounts; "" where nothing is counted.
  std::string Text() const { return counts_ ? counts_->Text() : ""; }
  std::string SaveShard(int shard) const { return counts_ ? counts_->SaveShard(shard) : ""; }
  void LoadShard(int shard, std::string_view bytes, ShardCoding coding);
  /// Visits the open steps with the keys that they have pulled, for checkpoints.
  void VisitOpen(const std::function<void(uint64_t step, std::span<const Key> keys)>& visit) const;
  /// Adds a key to an open step, when a checkpoint is loaded.
  void RestoreOpen(uint64_t step, Key key);
  /// Closes the earliest open steps while there are too many. Called when all files of a checkpoint
  /// are loaded, and all rows with them.
  void FinishRestoring(const HasRow& has_row);

 private:
  using OpenSteps = std::map<uint64_t, UniqueKeys>;

  void Close(OpenSteps::iterator at, const HasRow& has_row);
  /// Whether so many open steps, with the keys of those that are open now, are too many.
  bool IsTooMany(size_t n_steps) const;
  size_t NumOpenKeys() const;

  zhiyin::Admission config_;
  uint64_t seed_;
  uint32_t sightings_ = 1;
  std::unique_ptr<OccurrenceCounts> counts_;  // nullptr where nothing is counted
  OpenSteps open_;
  uint64_t step_ = 0;              // opened last
  UniqueKeys* asking_ = nullptr;   // its keys
  std::vector<Key> sorted_;        // workspace
  std::vector<UniqueKeys> spare_;  // for their memory, one at most
};

std::unique_ptr<OccurrenceCounts> MakeExactCounts(const zhiyin::Admission::Exact& config,
                                                  TableId table);
std::unique_ptr<OccurrenceCounts> MakeCountingBloom(const zhiyin::Admission::CountingBloom& config,
                                                    TableId table);

}  // namespace zhiyin::ps::table
