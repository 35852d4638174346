// Copies of the hottest rows of a table in a worker's memory.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/types.h"

namespace zhiyin::ps::client {

/// A worker's copies of embedding rows of one table, with the gradients that it has not sent to the
/// servers yet. A copy is read for at most `refresh_steps` steps of this worker, and no longer than
/// `refresh_clock` steps of the job; the gradients of these reads are summed here and pushed after
/// at most as long, in an exchange that also refreshes the copy. The worker's own steps are what is
/// saved: it asks for a hot row in one of `refresh_steps` of its exchanges, however many steps the
/// other workers make meanwhile. The job's clock bounds the age of a slow worker's copies. The keys
/// with copies are those that this worker pulls most often, found by the algorithm of Misra and
/// Gries (Science of Computer Programming, 1982): a new key replaces an entry whose counter has
/// reached zero.
///
/// A key that has no row yet, because it is not admitted, reads as zeros. It gets no copy: every
/// exchange asks for it, so that each of them is an occurrence. A row of zeros looks like that,
/// too.
///
///   PullStart    Select: finds which keys of the batch have a copy; the others are pulled
///   PullFinish   Distribute: gives the batch the weights of both; pulled rows become copies
///   PushStart    Collect: adds the gradients of the batch to the sums, for the pulled keys
///
/// Other exchanges may start and finish in between, but each of the three is called in one order of
/// exchanges: one that is started while the pull of a row is under way reads the copy that this
/// pull brings. Used by the rank's thread.
class Replica {
 public:
  /// n_rows: the largest number of copies; with 0 there are no copies, and only enabled() may be
  /// called. has_admission: whether a key may have no row although it was pulled. REQUIRES:
  /// refresh_steps and refresh_clock are positive.
  Replica(int dim, int64_t n_rows, int refresh_steps, int64_t refresh_clock, bool has_admission);

  /// A step of this worker, and the job's step that it was part of.
  struct Moment {
    static constexpr uint32_t kNever = ~uint32_t{0};

    uint32_t own_step = 0;    // modulo 2^32
    uint32_t clock = kNever;  // modulo kNever

    bool IsNever() const { return clock == kNever; }
    friend bool operator==(const Moment&, const Moment&) = default;
  };

  /// The keys that an exchange asks the servers for instead of those of its batch.
  struct Selection {
    std::vector<Key> keys;  // to ask for: keys of the batch, then others that are due
    std::vector<uint32_t>
        positions;                 // [of the batch's keys among them]: where they are in the batch
    std::vector<uint32_t> copied;  // positions of the batch's keys that have a copy
    std::vector<float> weights;    // [keys.size(), dim], to be filled by the servers
    std::vector<float> gradients;  // [keys.size(), dim], for the servers
    std::vector<Key> batch;        // the batch's keys
    Moment moment;                 // of Select; never: of no step
  };

  /// Whether the table has copies.
  bool enabled() const { return !entries_.empty(); }
  /// Fills the selection for the keys of a batch, which are distinct; `clock` is the job's step,
  /// and never goes back.
  void Select(std::span<const Key> keys, uint64_t clock, Selection* selection);
  /// Writes the weights of the batch: [batch, dim]; selection.weights become copies. REQUIRES:
  /// every selection before this one has been distributed.
  void Distribute(const Selection& selection, float* weights);
  /// Reads the gradients of the batch, [batch, dim], and fills selection.gradients.
  void Collect(const float* gradients, Selection* selection);

  /// Fills a selection without a batch with at most n_keys keys whose gradients have not been sent.
  /// Returns false when there are none. REQUIRES: no exchange is between its Select and its
  /// Collect.
  bool SelectOwed(size_t n_keys, Selection* selection);

 private:
  static constexpr size_t kWays = 8;
  struct Entry {
    Key key = 0;
    /// The last pull of the row: later exchanges read what it brings. Never: with admission, until
    /// a pull has found a row.
    Moment pulled;
    Moment owed_since;     // never: nothing is owed
    uint32_t count = 0;    // Misra-Gries counter; 0: another key may replace this one
    uint16_t n_reads = 0;  // exchanges that read the copy and have not given their gradients yet
    uint16_t n_asked = 0;  // exchanges that ask the servers for the row and have not pushed yet

    bool MayGo() const { return owed_since.IsNever() && n_reads == 0 && n_asked == 0; }
  };
  struct Due {
    Key key;
    Moment owed_since;
  };

  /// The bucket that holds the key if it has an entry.
  std::span<Entry> BucketOf(Key key);
  Entry* Find(Key key);
  /// Counts a pull of the key and returns its entry, which may replace another one; nullptr when
  /// the others are pulled more often.
  Entry* Touch(Key key);
  /// Whether a copy or a sum of this moment has reached its age by now.
  bool HasAged(const Moment& then) const {
    return now_.own_step - then.own_step >= refresh_steps_ ||
           (uint64_t{now_.clock} + Moment::kNever - then.clock) % Moment::kNever >= refresh_clock_;
  }
  /// Adds the row of the entry to those that the servers are asked for.
  void Ask(Entry* entry, Selection* selection);
  float* CopyOf(const Entry* entry) { return copies_.data() + IndexOf(entry) * dim_; }
  float* SumOf(const Entry* entry) { return sums_.data() + IndexOf(entry) * dim_; }
  size_t IndexOf(const Entry* entry) const { return static_cast<size_t>(entry - entries_.data()); }
  /// Adds the unsent sum to a gradient and clears it.
  void Settle(Entry* entry, float* gradient);

  size_t dim_;
  uint32_t refresh_steps_;
  uint64_t refresh_clock_;
  bool has_admission_;
  Moment now_{0, 0};            // of the last Select
  uint32_t distributed_ = 0;    // own_step of the last selection that was distributed
  std::vector<Entry> entries_;  // buckets of kWays
  std::vector<float> copies_;   // [entries, dim]
  std::vector<float> sums_;     // [entries, dim], zero where nothing is owed
  std::vector<Due> due_;        // in order of owed_since, from due_begin_ on
  size_t due_begin_ = 0;
};

}  // namespace zhiyin::ps::client
