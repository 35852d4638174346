// How many examples the records of a split have.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/bytes.h"

namespace zhiyin::worker::data {

/// How many examples consecutive records have, from record 0 of a split on, as runs of records with
/// equal numbers: a good record usually has one, a malformed one has none. A worker knows those of
/// the records that it has read. A plain value; its size grows with the runs.
class RecordRuns {
 public:
  /// In place of a number of examples.
  static constexpr int32_t kNotRead = -1;
  /// The most examples of a record.
  static constexpr int32_t kMostExamples = 101;
  /// The most records of a split.
  static constexpr int64_t kMostRecords = int64_t{1} << 48;

  struct Run {
    int64_t n_records = 0;
    int32_t n_examples = 0;  // of each

    bool operator==(const Run&) const = default;
  };

  /// Appends records with so many examples each.
  void Append(int64_t n_records, int32_t n_examples);
  /// Goes on at a record; those before it that were not appended were not read. REQUIRES:
  /// record >= n_records().
  void SkipTo(int64_t record);

  /// Calls `visit` for each run that was read, with its first record.
  template <typename Visit>
  void ForEachRead(const Visit& visit) const {
    int64_t first = 0;
    for (const Run& run : runs_) {
      if (run.n_examples != kNotRead) visit(first, run);
      first += run.n_records;
    }
  }

  int64_t n_records() const { return n_records_; }
  int64_t n_examples() const { return n_examples_; }
  /// Those that were read.
  int64_t n_read() const { return n_read_; }
  const std::vector<Run>& runs() const { return runs_; }

  /// Puts what several workers read together. Throws Error, which begins with `where`, unless every
  /// record was read once.
  static RecordRuns Join(std::span<const RecordRuns> parts, const std::string& where);

  void Write(ByteWriter* out) const;
  /// The inverse of Write. Throws Error, by way of `in`, on bytes that Write did not write.
  static RecordRuns Read(ByteReader* in);

 private:
  std::vector<Run> runs_;  // neighbours differ
  int64_t n_records_ = 0;
  int64_t n_examples_ = 0;
  int64_t n_read_ = 0;
};

/// The numbers of examples of all records of a split, for looking up. Its size is that of the runs,
/// usually one.
class RecordCounts {
 public:
  RecordCounts() = default;
  /// REQUIRES: all records were read.
  explicit RecordCounts(const RecordRuns& runs);

  int64_t n_records() const { return n_records_; }
  int64_t n_examples() const { return n_examples_; }
  /// What this was made of.
  RecordRuns Runs() const;
  /// The blocks of kBlockRecords records, of which the last one may have fewer.
  int64_t n_blocks() const;
  /// The number of examples of the records 0 to `record`, exclusive. REQUIRES:
  /// 0 <= record <= n_records().
  int64_t ExamplesBefore(int64_t record) const;
  /// The number of examples of a block. REQUIRES: 0 <= block < n_blocks().
  int64_t ExamplesOf(int64_t block) const;

 private:
  struct Run {
    int64_t first_record = 0;
    int64_t first_example = 0;
    int64_t n_examples = 0;  // of each
  };
  std::vector<Run> runs_;
  int64_t n_records_ = 0;
  int64_t n_examples_ = 0;
};

}  // namespace zhiyin::worker::data
