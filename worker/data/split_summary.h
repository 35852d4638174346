// What the first pass over the data finds out about a split. It is a function of the set of the
// records, bit by bit: neither their order nor who read which of them matters.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/exact_sum.h"
#include "worker/data/exact_moments.h"
#include "worker/data/examples.h"
#include "worker/data/join_matches.h"
#include "worker/data/record_counts.h"
#include "worker/data/source.h"
#include "worker/data/statistics.h"

namespace zhiyin::worker::data {

/// LabelSums before they are rounded.
struct ExactLabelSums {
  ExactSum weight;
  ExactSum label;
  ExactSum positives;

  void Add(double label_of_example, double weight_of_example);
  void Merge(const ExactLabelSums& other);
  LabelSums Rounded() const;
};

/// The counts and statistics of some records of a split.
struct SplitSummary {
  /// The malformed records that are kept to be shown.
  static constexpr size_t kMaxBadKept = 10;

  int64_t n_rows = 0;  // examples
  int64_t n_bad = 0;   // malformed records
  /// The first kMaxBadKept malformed records, by their number in the split.
  std::map<int64_t, BadLine> first_bad;
  std::vector<ExactMoments> numerics;      // [n_numerics], of the values that are not missing
  std::vector<int64_t> n_observed;         // [n_tasks], labels that are not missing
  std::vector<LabelRange> labels;          // [n_tasks], of those of them with a weight above 0
  std::vector<ExactLabelSums> label_sums;  // [n_tasks]
  JoinMatches joins;
  /// [columns of the files]: 1 for those that a record has; empty where it need not be known
  /// (Source::seen).
  std::vector<uint8_t> seen;

  /// Adds examples. REQUIRES: they have the inputs and tasks of those before.
  void Add(const Examples& examples);
  void AddBad(const BadLine& line);
  /// Adds other records of the split.
  void Merge(const SplitSummary& other);
  std::vector<LabelSums> RoundedLabelSums() const;

  void Write(ByteWriter* out) const;
  /// The inverse of Write. Throws Error, by way of `in`, on bytes that Write did not write, and for
  /// values that no pass over so many records can find.
  static SplitSummary Read(ByteReader* in, int64_t n_records);
};

/// What a pass over some records of a split finds.
struct SplitFindings {
  SplitSummary summary;
  RecordRuns records;

  /// Adds a block that `source` has just read. REQUIRES: the blocks are added in ascending order.
  void Add(int64_t block, int64_t n_records, const Examples& examples, std::span<const BadLine> bad,
           const Source& source);

  /// Adds what was found in the records behind these.
  void AddNext(const SplitFindings& next);
  /// Adds records that a source has just read of a share, whose numbers begin with 0.
  void AddOfShare(int64_t n_records, const Examples& examples, std::span<const BadLine> bad,
                  const Source& source);
  /// Numbers the records of a share by its first record in the split, which may be before the
  /// split where those are not read, and what is relative in its first file by the number of lines
  /// before the share.
  void Renumber(int64_t first_record, int64_t n_lines_before);

  /// REQUIRES: nothing is relative.
  std::string Serialize() const;
  /// Throws Error on bytes that Serialize did not write.
  static SplitFindings Parse(std::string_view bytes);
};

}  // namespace zhiyin::worker::data
