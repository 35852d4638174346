// The interface of the sources of examples.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/tick.h"
#include "configs/job.pb.h"
#include "worker/data/example_parser.h"
#include "worker/data/examples.h"
#include "worker/data/file_bytes.h"
#include "worker/data/join_matches.h"
#include "worker/data/joins.h"
#include "worker/data/records.h"
#include "worker/data/schema.h"
#include "worker/data/side_inputs.h"
#include "worker/data/split_kind.h"

namespace zhiyin::worker::data {

/// Lines of a split are numbered from 0, malformed ones included; block b has the lines from b *
/// kBlockRecords on. A block is kept and evaluated as a whole, whoever has read its lines: it is
/// the unit of distribution, and a batch in evaluation.
inline constexpr int64_t kBlockRecords = 256;
/// The largest number of examples of a block: with data.behaviour.negatives, each line may have a
/// hundred negative examples in addition.
inline constexpr int64_t kMaxExamplesOfBlock = kBlockRecords * 101;

/// A malformed line.
struct BadLine {
  int64_t row = 0;    // the number of the line in the split
  std::string where;  // what the number counts in: "census.gz:"
  /// Where is_relative, counted from the beginning of a share (SharedFiles), else of the file.
  int64_t number = 0;
  std::string wrong;  // and what was expected
  bool is_relative = false;

  /// A sentence for the log: "census.gz:17: 3 columns, expected 42".
  std::string Text() const { return where + std::to_string(number) + ": " + wrong; }
};

/// Where a share lies in the files, and what a reader learns of them on its way.
struct ShareFindings {
  int64_t n_records = 0;
  ShareEnds ends;
  /// Places at most kPlaceEvery records apart, ascending; a file that cannot seek has none. Records
  /// are numbered, and lines of the first file are counted, from the beginning of the share.
  std::vector<Records::Place> places;
  /// The files whose first byte is in the share, in order, and the first record of each.
  std::vector<std::pair<size_t, int64_t>> file_begins;
  /// Points of the compressed files among them.
  FilePoints points;
};

/// The files of a split, which several readers share in the first pass: each reads some units from
/// end to end, before anyone knows which numbers its records have in the split.
class SharedFiles {
 public:
  /// The records between two places.
  static constexpr int64_t kPlaceEvery = 32;

  virtual ~SharedFiles() = default;
  /// Whether they are one pipe: the chief reads it, once, and others see nothing of it.
  virtual bool IsPipe() const { return false; }
  virtual std::vector<Unit> Units() const = 0;
  /// About how many bytes of the files a record has; 0 where nothing tells.
  virtual double RecordBytes() const = 0;
  /// Begins to read the records between two cuts, and to note points of compressed files every so
  /// many of their bytes; 0: none. Ends what was begun before.
  virtual void BeginShare(const FileCut& begin, const FileCut& end, int64_t points_every) = 0;
  /// Replaces *examples by the examples of the next records, at most n_most of them, and *bad by
  /// those that are malformed, numbered from the beginning of the share. Returns how many records
  /// there were: 0 at the end of the share. Throws Error as Source::Read does.
  virtual int64_t ReadOn(int64_t n_most, Examples* examples, std::vector<BadLine>* bad) = 0;
  /// What was found since BeginShare. REQUIRES: ReadOn has returned 0. Call once.
  virtual ShareFindings EndShare() = 0;
  /// Whether Source::Read reaches every block that SetPlaces tells of without reading what is
  /// before it, as in plain text.
  virtual bool CanJump() const = 0;
  /// Tells Source::Read where files begin, [files], negative where that is not known, where some
  /// records do, ascending, and which points compressed files have, so that it can jump to the
  /// blocks. Records are numbered over all files, whether they are in the split or not.
  virtual void SetPlaces(std::span<const int64_t> file_begins, std::vector<Records::Place> places,
                         FilePoints points) = 0;
  /// The place of the last record at `record` or before it that is known, all files taken
  /// together; the beginning of the first file where there is none.
  virtual Records::Place PlaceBefore(int64_t record) const = 0;
  /// The first record of each file, [files]; negative where it is not known.
  virtual std::vector<int64_t> FileBegins() const = 0;
};

/// One split of the job's data. Used by one thread at a time; independent of all other Sources.
class Source {
 public:
  virtual ~Source() = default;

  /// Replaces *examples by the examples of a block, in order, and *bad by its malformed lines; the
  /// caller may have moved from both. Returns how many lines the block has, malformed ones
  /// included: 0 past the end of the split.
  ///
  /// Blocks may be read in any order. Ascending order is cheap: lines in between are skipped at the
  /// cost of finding their ends. Blocks that were passed before, or that SetPlaces tells of, are
  /// jumped to: in a compressed file from the nearest point, or else from its beginning; a file
  /// that is converted is read again from its beginning. Throws Error for a file that is missing, a
  /// folder, unreadable, corrupt (a compressed one, with the offset), or changed since the job
  /// began.
  virtual int64_t Read(int64_t block, Examples* examples, std::vector<BadLine>* bad) = 0;

  /// Reads on to the end of the split, and returns how many lines it has, malformed ones included;
  /// nullopt where that is known without reading, as of generated data.
  virtual std::optional<int64_t> CountLines() { return {}; }

  /// The files that several readers can share; null where blocks are to be read from the first pass
  /// on: they are generated, or reading them needs the numbers of their records. Owned by the
  /// source.
  virtual SharedFiles* shared_files() { return nullptr; }

  /// Where example i of the block that was read last stands, for messages: "census.csv:17".
  virtual std::string PlaceOf(int64_t example) const = 0;
  /// How many examples each line of the block that was read last has; empty where every line that
  /// is not malformed has one. Valid until the next Read.
  virtual std::span<const int32_t> n_examples_of_records() const { return {}; }
  /// Which lines of the block that was read last found a line in the joins.
  virtual JoinMatches joined() const { return {}; }
  /// Which columns of the files the records of that block have (Records::TakeSeen); empty where
  /// every file is known to have all of them. Valid until the next Read.
  virtual std::span<const uint8_t> seen() const { return {}; }
  /// The joins; null where the job has none. Owned by the source.
  virtual const Joins* joins() const { return nullptr; }

  /// Sets what Read calls while it passes over lines, decodes and opens files before it comes to
  /// the block, and what is called while a pipe is read and waited for. Other sources that can jump
  /// to every block never call it.
  virtual void SetTick(Tick) {}
};

/// Makes the configured source, which keeps no reference to `job`. `labels` are the domains of
/// the tasks' labels; if empty, labels are not read. `observer` is called for every category that
/// is read, also in lines that turn out to be malformed. `tick` is called while files are opened,
/// and side inputs are read, then by Read until SetTick. What is read is added to *counts, which
/// outlives the source; null: it is not counted. `side` are the job's side inputs; where it is
/// empty, the source reads its own. Throws Error at once where a file is missing or a column does
/// not exist.
std::unique_ptr<Source> MakeSource(
    const Job& job, SplitKind split, LabelDomains labels, ExampleParser::Observer observer = {},
    const Tick& tick = [] {}, ReadCounts* counts = nullptr, const SideInputs& side = {});

}  // namespace zhiyin::worker::data
