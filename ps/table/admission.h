// Who gets a row: new keys wait until they have been seen often enough.
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

namespace zhiyin::ps::table {

void FillAdmission(zhiyin::Admission* config);
/// Throws Error, by way of `check`, for the first thing that is impossible. REQUIRES: defaults are
/// filled in.
void CheckAdmission(const config::Checker& check, const config::ConfigPath& path,
                    const zhiyin::Admission& config);

/// Sightings of keys without a row, for each virtual shard apart, in bounded memory. What one
/// shard's calls find depends on that shard's calls alone.
class OccurrenceCounts {
 public:
  virtual ~OccurrenceCounts() = default;
  /// Steps that have sighted the key, this one not among them where that is known.
  virtual uint32_t NumSighted(Key key, uint64_t step) = 0;
  /// Counts a sighting by a step; one that was the last to count is not counted again where that is
  /// known.
  virtual void Sight(Key key, uint64_t step) = 0;
  /// The key has a row now; should that go again, it starts anew where that can be done.
  virtual void Forget(Key key, uint64_t step) = 0;
  virtual int64_t n_bytes() const = 0;
  /// What n_bytes grows to at most, on one server that has all shards.
  virtual int64_t MostBytes() const = 0;
  /// The kind of counts with all that shapes them, as in a job: those of equal texts can load each
  /// other's.
  virtual std::string Text() const = 0;
  /// All that is known of a shard's keys, "" when nothing; for checkpoints.
  virtual std::string SaveShard(int shard) const = 0;
  /// What SaveShard of counts with the same Text gave. Throws Error when it is of another size.
  virtual void LoadShard(int shard, std::string_view bytes) = 0;
};

/// Decides for one table on one server. One thread.
///
/// The keys that a step sights are collected while it is open, and counted, by ascending key, when
/// it is closed. A key's sightings are those that closed steps have counted and one of each open
/// step that has pulled it, the asking one among them. So all pulls of a step get one answer
/// about a key, and where one step is open at a time, as at staleness 0, nothing depends on whose
/// pull came first.
///
/// Memory: the counts, and the keys of open steps. At most kMaxOpenSteps are open: one more closes
/// the earliest, and so do kMaxOpenKeys, while it is not alone. A step that is pulled by again
/// after it was closed may be counted twice.
class Admission {
 public:
  static constexpr size_t kMaxOpenSteps = 8;
  static constexpr size_t kMaxOpenKeys = size_t{1} << 20;
  using HasRow = std::function<bool(Key)>;

  /// REQUIRES: a config that passed validation.
  Admission(const zhiyin::Admission& config, TableId table, uint64_t seed);

  /// To be called before Admit is asked about keys of a step: opens it.
  void Open(uint64_t step, const HasRow& has_row);
  /// Whether the key, which has no row and is pulled by the step opened last, gets one.
  bool Admit(Key key);
  /// Closes the steps before `step`. Keys that have a row by then are forgotten, the others
  /// counted: a key that was admitted and met no room keeps its sightings.
  void CloseBefore(uint64_t step, const HasRow& has_row);

  int64_t n_bytes() const;
  /// Bytes of the counts alone, at most, over all servers.
  int64_t MostBytes() const { return counts_ ? counts_->MostBytes() : 0; }
  /// Text and SaveShard as in OccurrenceCounts; "" where nothing is counted.
  std::string Text() const { return counts_ ? counts_->Text() : ""; }
  std::string SaveShard(int shard) const { return counts_ ? counts_->SaveShard(shard) : ""; }
  void LoadShard(int shard, std::string_view bytes);
  /// Open steps with the keys that they have sighted, for checkpoints.
  void VisitOpen(const std::function<void(uint64_t step, std::span<const Key> keys)>& visit) const;
  /// One of those keys.
  void RestoreOpen(uint64_t step, Key key);

 private:
  using OpenSteps = std::map<uint64_t, UniqueKeys>;

  void Close(OpenSteps::iterator at, const HasRow& has_row);
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
