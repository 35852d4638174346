// Reads units of files from end to end as a worker is given them, ahead of it, in a thread of its
// own: training in one pass, without knowing how many examples there are.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/bytes.h"
#include "common/tick.h"
#include "worker/data/augment.h"
#include "worker/data/examples.h"
#include "worker/data/slice_queue.h"
#include "worker/data/slice_reader.h"
#include "worker/data/source.h"
#include "worker/data/split_summary.h"
#include "worker/data/statistics.h"

namespace zhiyin::worker::data {

/// Consecutive records of the files of a split, which one reader reads from end to end.
struct UnitRange {
  FileCut begin;
  FileCut end;
  bool is_plain = false;  // whether offsets count bytes on disk, else records (FileCut)
};

/// What a UnitReader has found in the ranges that it has read. A plain value.
struct UnitFindings {
  /// A range, and where the records that were read of it really begin and end.
  struct Read {
    int64_t range = 0;
    UnitRange ends;
  };

  SplitSummary summary;
  std::vector<Read> ranges;
  int64_t n_batches = 0;

  void Write(ByteWriter* out) const;
  /// The inverse of Write. Throws Error, by way of `in`, on bytes that Write did not write.
  static UnitFindings Parse(ByteReader* in);
};

/// Gives the batches of the ranges that were ordered, range after range in that order. A range is
/// read in windows of consecutive examples, each of which is shuffled and cut into batches of about
/// equal sizes; which examples a batch has depends on the seed, the range and the settings alone.
///
/// Called by the rank's thread only. The destructor joins the thread, whatever it is doing.
class UnitReader final : public SliceStream {
 public:
  struct Settings {
    uint64_t seed = 0;
    int64_t batch_examples = 1;   // the most of a batch
    int64_t window_examples = 1;  // about the most that are shuffled together, and in memory
    /// Whether a malformed record ends the job.
    bool allows_bad = true;
  };

  /// `source` is the training split; its files can be shared. `ranges` are those of all workers.
  UnitReader(std::unique_ptr<Source> source, std::vector<UnitRange> ranges,
             const Settings& settings, Augmenter augmenter, Normalizer normalizer);
  ~UnitReader() override;

  /// Orders a range to be read behind those that were ordered before.
  void Order(int64_t range);
  /// Waits for the next batch of the first range that was ordered and has not ended. Returns it,
  /// valid until the next call but one of this; null where that range has no more, and so ends.
  /// `tick` is called as SliceReader::Next does. Throws Error as Source does, and for a malformed
  /// record if none is allowed. REQUIRES: there is such a range.
  const Examples* Peek(const Tick& tick);
  /// Takes the batch that Peek has returned. REQUIRES: it has.
  const Examples& NextSlice(const Tick& tick) override;

  /// What was found in all ranges. REQUIRES: all that were ordered have ended.
  const UnitFindings& findings() const { return findings_; }

 private:
  // In the thread.
  void Run();
  /// Reads a range; returns false when the queue was closed.
  bool ReadRange(int64_t range);
  /// Adds what was read of a range to the window and to what is found.
  void Add(int64_t range, const Examples& examples, std::vector<BadLine>* bad);
  /// Gives the window as batches, and empties it; returns false when the queue was closed.
  bool GiveWindow(int64_t range, int64_t number);

  const std::unique_ptr<Source> source_;
  const std::vector<UnitRange> ranges_;
  const Settings settings_;
  // The thread's, but for findings_ once all ranges have ended.
  Augmenter augmenter_;
  std::vector<Examples> window_;  // blocks, none of them empty
  int64_t n_window_ = 0;          // examples of it
  UnitFindings findings_;

  const Normalizer normalizer_;
  const Examples* peeked_ = nullptr;
  SliceQueue queue_;
  std::thread thread_;
};

}  // namespace zhiyin::worker::data
