// The first pass over a split: each byte of its files is read once, by one worker.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/examples.h"
#include "worker/data/share_records.h"
#include "worker/data/source.h"
#include "worker/data/split_summary.h"
#include "worker/train/data_pass.h"
#include "worker/train/group.h"
#include "worker/train/share_report.h"
#include "worker/train/split_indexes.h"

namespace zhiyin::worker::train {

/// Reads a split with all workers. Where its files can be shared (Source::shared_files), each
/// worker reads a share of consecutive units from end to end, and tells the others how many records
/// there were; then all records have a number, and the blocks are delivered to the workers that
/// need them. Otherwise each worker reads the blocks that a deal gives it.
///
/// What is found in shares is kept for later jobs (SplitIndexes), in which Read reads nothing. Each
/// worker of such a job then takes its blocks from Source::Read, if that costs about one pass over
/// the files (IsReadApart). Otherwise, as with a compressed file whose blocks are mixed, Deliver
/// reads shares and delivers blocks as in a first pass.
///
/// A pipe is read by the chief, which keeps all its examples, as all workers do once they are
/// delivered: nothing can be read a second time.
///
/// A split may be a part of its files (first_row, n_rows). Then as many units are read as are
/// likely to have its records, and more where they do not.
///
/// Used by the rank's thread; borrows what it is given. All functions are collective over all
/// workers.
class SplitPass {
 public:
  /// The blocks that a worker is to keep in memory, in the order of need, by the counts of the
  /// split. Equal at all workers.
  using Wanted = std::function<std::vector<int64_t>(const data::RecordCounts& records, int worker)>;

  /// `source` is that of the split. A worker keeps at most n_kept_max examples, and twice as many
  /// until blocks are delivered. `indexes`: of the job, used at the chief alone; may be null.
  SplitPass(const Job& job, data::SplitKind split, data::Source* source, int64_t n_kept_max,
            Wanted wanted, Group* group, int n_workers, SplitIndexes* indexes);

  /// Reads the split, and returns what all workers found. Where files are shared, tells the source
  /// where its blocks are. `known` are the files of another split that was read before; if they are
  /// the same, what is before this split and known is not read again. May be null. Throws Error as
  /// Source does, as ShareFindings does, and for a pipe with more examples than are kept.
  SharedFindings Read(const data::BlockDeal& deal, const data::SharedFiles* known = nullptr);

  /// Delivers the blocks that were read: each worker gets those that it wants, as many as it may
  /// keep and were kept. `keep` is called for each block that this worker gets. Call once, after
  /// Read. Throws Error as Read does.
  void Deliver(const std::function<void(int64_t block, data::Examples examples)>& keep);

  /// Whether the files of the split can be shared.
  bool is_shared() const { return source_->shared_files() != nullptr; }
  /// Whether an index told what Read returned, so that no byte was read yet.
  bool is_found() const { return is_found_; }

 private:
  /// Consecutive records of the share, and what was found in them; numbers are those of the share.
  struct Segment {
    int64_t first = 0;
    data::SplitFindings findings;
  };

  void ReadBlocks(const data::BlockDeal& deal);
  /// Returns what an earlier job has kept of the split, and sets is_apart_; nullopt where there is
  /// nothing.
  std::optional<SplitIndex> FindIndex();
  /// Sets the units that may be read: those from the last place on that is known before the split.
  void ChooseUnits(const data::SharedFiles* known);
  /// Reads the split in shares, and collects what is found.
  SplitIndex ReadUnits(const data::SharedFiles* known);
  /// Reads in shares as many units as have the split. Returns what NumberShares does.
  int64_t ReadEnoughUnits();
  /// Reads in shares what an index has told of. Returns false, and reads nothing, where no share
  /// would be kept.
  bool ReadFound();
  /// The records of the split that were read in shares.
  int64_t n_read() const;
  /// Whether only some records of the files are in the split.
  bool is_part() const;
  void BeginAt(const data::Records::Place& start);
  /// Passes the units before the split whose numbers of records are known.
  void PassCountedUnits();
  /// How many units are likely to have so many times the records of the split and of what is before
  /// it.
  size_t EnoughUnits(double times) const;
  /// After how many of its bytes a compressed file is to have a point.
  int64_t PointsEvery() const;
  /// The beginning of a unit, or the end of the last one.
  data::FileCut CutOf(int64_t unit) const;
  /// Which of the first n units each worker reads, as DivideUnits returns it.
  std::vector<int64_t> ShareUnits(size_t n_units) const;
  /// Reads this worker's share of the first n units until all shares fit together, and fills
  /// reports_.
  void ReadShares(size_t n_units);
  void ReadShare(const data::FileCut& begin, const data::FileCut& end);
  /// Throws Error where a pipe has so many examples that not all can be kept.
  void CheckKept(int64_t n_examples) const;
  void AddToSegments(int64_t n_records, const data::Examples& examples,
                     std::span<const data::BadLine> bad);
  /// Gives the records of all shares their numbers. Returns how many lines are before this share in
  /// the file that it begins in.
  int64_t NumberShares();
  /// Collects what was found in those records of this share that are in the split.
  void CollectFindings(int64_t n_lines_before);
  /// Returns what is in records of this share, of which a segment has more. Numbers are those of
  /// the share.
  data::SplitFindings ReadAgain(int64_t begin, int64_t end, int64_t n_lines_before);
  /// Returns where all workers found what to be. Collective.
  SplitIndex SharePlaces();
  /// Returns the points of all shares. Collective.
  data::FilePoints SharePoints();

  const Job& job_;
  data::SplitKind split_;
  data::Source* source_;
  int64_t n_kept_max_;
  Wanted wanted_;
  Group* group_;
  int n_workers_;
  SplitIndexes* indexes_;
  // The records of the split among those of its files: [first_row_, end_row_).
  int64_t first_row_;
  int64_t end_row_;
  data::SplitFindings findings_;
  data::RecordCounts counts_;
  std::map<int64_t, data::Examples> blocks_;  // that were read as blocks and kept

  // Where files are shared.
  bool is_found_ = false;             // an index tells what is found
  bool is_apart_ = false;             // then: each worker reads for itself what it wants
  std::vector<data::Unit> units_;     // those that may be read
  data::Records::Place start_;        // of the first unit
  std::vector<int64_t> file_begins_;  // [files]; negative where it is not known
  std::vector<Segment> segments_;     // of the share
  int64_t segment_records_ = 0;       // a segment ends with so many
  data::ShareRecords records_;        // of the share
  bool is_kept_ = true;               // all of the share
  Places places_;                     // of the share, as are the points
  data::FilePoints points_;
  int64_t points_every_ = 0;
  std::vector<ShareReport> reports_;   // [n_workers]
  std::vector<int64_t> first_record_;  // [n_workers + 1]: among those of all files
};

}  // namespace zhiyin::worker::train
