// Copies of the hottest rows of a table in a worker's memory.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/types.h"

namespace zhiyin::ps::client {

/// A worker's copies of one table's rows, and what it owes the servers for them. A copy is read for
/// `refresh_steps` steps; gradients of its reads are summed here and sent after as many steps at
/// the latest, with the pull that refreshes it. What to keep is chosen by counts of what this
/// worker has pulled (Misra and Gries, 1982): a key that comes takes the place of one whose count
/// its fellows have used up.
///
///   PullStart    Select: which of the batch's keys have a copy, which must be asked for
///   PullFinish   Distribute: weights of both to the batch; what came becomes the copy
///   PushStart    Collect: gradients of the batch and sums, for the keys that were asked for
///
/// Other exchanges may start and finish in between. Used by the rank's thread.
class Replica {
 public:
  /// n_rows: copies at most; 0: none, and the object is not to be used.
  Replica(int dim, int64_t n_rows, int refresh_steps);

  /// What an exchange asks for in the place of its keys.
  struct Selection {
    std::vector<Key> keys;  // to ask for: keys of the batch, then others whose time has come
    std::vector<uint32_t>
        positions;                 // [of the batch's keys among them]: where they are in the batch
    std::vector<uint32_t> copied;  // positions of the batch's keys that have a copy
    std::vector<float> copied_weights;  // [copied.size(), dim]
    std::vector<float> weights;         // [keys.size(), dim], to be filled by the servers
    std::vector<float> gradients;       // [keys.size(), dim], for the servers
    std::vector<Key> batch;             // the batch's keys
  };

  bool enabled() const { return !entries_.empty(); }
  void Select(std::span<const Key> keys, uint64_t step, Selection* selection);
  /// weights: [batch, dim].
  void Distribute(const Selection& selection, uint64_t step, float* weights);
  /// gradients: [batch, dim].
  void Collect(const float* gradients, uint64_t step, Selection* selection);

  /// Keys whose gradients have not been sent, at most n_keys, into a selection without a batch.
  /// False: there are none. REQUIRES: no exchange is between its Select and its Collect.
  bool SelectOwed(size_t n_keys, Selection* selection);

 private:
  static constexpr uint64_t kNever = ~uint64_t{0};
  static constexpr size_t kWays = 8;
  struct Entry {
    Key key = 0;
    uint64_t fetched = kNever;  // the step of the copy; kNever: there is none yet
    uint64_t owed_since = kNever;
    uint32_t count = 0;    // 0: the entry may be taken
    uint16_t n_reads = 0;  // exchanges that read the copy and have not given their gradients yet
    uint16_t n_asked = 0;  // exchanges that ask the servers for the row and have not pushed yet

    bool MayGo() const { return owed_since == kNever && n_reads == 0; }
  };
  struct Due {
    Key key;
    uint64_t owed_since;
  };

  /// The bucket in which the key is if it is anywhere.
  std::span<Entry> BucketOf(Key key);
  Entry* Find(Key key);
  /// The key's entry, maybe in the place of another; nullptr when the others are hotter.
  Entry* Touch(Key key);
  float* CopyOf(const Entry* entry) { return copies_.data() + IndexOf(entry) * dim_; }
  float* SumOf(const Entry* entry) { return sums_.data() + IndexOf(entry) * dim_; }
  size_t IndexOf(const Entry* entry) const { return static_cast<size_t>(entry - entries_.data()); }
  /// Adds what is owed to a gradient and forgets it.
  void Settle(Entry* entry, float* gradient);

  size_t dim_;
  uint64_t refresh_steps_;
  std::vector<Entry> entries_;  // buckets of kWays
  std::vector<float> copies_;   // [entries, dim]
  std::vector<float> sums_;     // [entries, dim], zero where nothing is owed
  std::vector<Due> due_;        // in order of owed_since, from due_begin_ on
  size_t due_begin_ = 0;
};

}  // namespace zhiyin::ps::client
