// Columns that are joined to the data from other files: data.join.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/checker.h"
#include "common/tick.h"
#include "configs/job.pb.h"
#include "worker/data/file_bytes.h"
#include "worker/data/joined_file.h"
#include "worker/data/missing_values.h"
#include "worker/data/value.h"

namespace zhiyin::worker::data {

/// Fills in what the joins leave out. REQUIRES: the defaults of data.text are filled in.
void FillJoins(Data* data);
/// Throws Error, by way of `check`, for the first thing about the joins that is impossible. Adds
/// their columns to *columns, those of the data as far as they are known; clears it where the
/// headers of files will tell them.
void CheckJoins(const config::Checker& check, const Data& data, std::vector<std::string>* columns);

/// Returns the names of the columns that the joins add to the examples (ColumnsOfJoin).
std::vector<std::string> JoinedColumns(const Job& job);

/// All joins of a job, in order. Immutable: used by any number of threads.
class Joins {
 public:
  /// Reads the files of all joins as JoinedFile does.
  static std::shared_ptr<Joins> Read(
      const Job& job, const Tick& tick = [] {}, ReadCounts* counts = nullptr);

  /// Applies the joins to data with certain columns. Immutable: used by any number of threads.
  class Plan {
   public:
    Plan() = default;
    /// Appends the columns of the joins to *names. Shares the joins. Throws Error, which begins
    /// with `where`, where the data lack the column that a join looks up, or have a column that it
    /// adds.
    Plan(std::shared_ptr<const Joins> joins, const std::string& where,
         std::vector<std::string>* names);
    /// A value that is known of an example, in place of the one that a join finds.
    struct KnownValue {
      size_t column = 0;
      Value value;
    };
    /// What Append says of a join that found no line: there is none with the key, or no key.
    static constexpr int kNoLine = -1;
    static constexpr int kNoKey = -2;

    size_t n_joins() const { return positions_.size(); }
    /// The joins; null where there are none.
    const Joins* joins() const { return joins_.get(); }
    /// Appends the values of the joins, or those of `known` for columns that are there; later joins
    /// look these up. Those of a missing key are missing. Sets *lines, unless it is null, to the
    /// line that each join has found [n_joins], or to kNoLine or kNoKey. REQUIRES: *values has the
    /// values of the data's own columns.
    void Append(std::vector<Value>* values, std::vector<int>* lines = nullptr,
                std::span<const KnownValue> known = {}) const;
    /// The column of the data whose value decides that of a column: itself where no join adds it.
    size_t RootOf(size_t column) const { return roots_[column]; }
    /// Returns what a join looks for and what its file has, for messages: `column "item" has "1",
    /// items.csv has "1.0"`. `values` are those that Append has left. REQUIRES: its line is
    /// kNoLine.
    std::string DescribeMiss(size_t join, const std::vector<Value>& values) const;

   private:
    std::shared_ptr<const Joins> joins_;
    std::vector<size_t> positions_;  // of each join's column
    std::vector<size_t> roots_;      // [columns]
  };

  /// The file, or files, of data.join[`join`].
  const JoinedFile& file(size_t join) const { return *files_[join]; }
  /// Whether a join adds a column of that name.
  bool HasColumn(std::string_view name) const;
  /// Moves the lines of all files to memory of the host; this object must not be used any more.
  void Share(HostWriter* writer);
  /// Returns what was moved there. REQUIRES: `job` was that of Read.
  static std::shared_ptr<Joins> ReadShared(const Job& job, HostReader* reader);
  /// Whether reading the joins of this job would give equal ones.
  bool AreOf(const Job& job) const;
  /// The file that is joined by this column of the data; null where there is none.
  const JoinedFile* ByColumn(std::string_view column) const;
  /// The number of malformed lines of all joins.
  int64_t n_bad() const;
  /// A line for people for every join with malformed lines, and one for each that is named.
  std::vector<std::string> BadLineNotes() const;
  /// Writes BadLineNotes() to the log.
  void LogBadLines() const;

 private:
  explicit Joins(const Job& job);
  Job job_;                // the part of the job that the joins depend on
  MissingValues missing_;  // of the data, which have the values that are looked up
  std::vector<std::unique_ptr<JoinedFile>> files_;
};

}  // namespace zhiyin::worker::data
