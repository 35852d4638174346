// Columns that are joined to the data from other files: data.join.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/config/checker.h"
#include "configs/job.pb.h"

namespace zhiyin::worker::data {

/// Fills in what the joins leave out. Relative names of files begin in `folder`. REQUIRES: the
/// defaults of data.text are filled in.
void FillJoins(const std::string& folder, Data* data);
/// Throws Error, by way of `check`, for the first thing about the joins that is impossible. Adds
/// their columns to *columns, those of the data as far as they are known; clears it where the
/// headers of files will tell them.
void CheckJoins(const config::Checker& check, const Data& data, std::vector<std::string>* columns);

/// The lines of one join, by key. Immutable: used by any number of threads.
class JoinedFile {
 public:
  /// Reads the files of the join. Throws Error where a file cannot be read or has no key column,
  /// where a line is malformed, or where a key occurs twice.
  explicit JoinedFile(const Join& config);

  /// The names of the columns, without the key.
  const std::vector<std::string>& columns() const { return columns_; }
  int n_lines() const { return static_cast<int>(keys_.size()); }
  std::string_view key(int line) const { return keys_[static_cast<size_t>(line)]; }
  /// Returns the line with the key; -1 where there is none.
  int Find(std::string_view key) const;
  /// Appends a value for each of columns(): those of a line, or empty ones for line -1. They are
  /// valid during the lifetime of this object.
  void Append(int line, std::vector<std::string_view>* values) const;

 private:
  void ReadFile(const Join& config, const std::string& path);

  std::vector<std::string> columns_;
  std::vector<std::string> header_;  // with the key
  std::vector<std::string> keys_;
  std::unordered_map<std::string_view, int>
      lines_;                 // views into keys_, which never moves after reading
  std::string text_;          // all values, concatenated
  std::vector<size_t> ends_;  // [n_lines, n_columns]: ends of the values in text_
};

/// All joins of a job, in order. Immutable: used by any number of threads.
class Joins {
 public:
  /// Reads the files of all joins. Throws Error as JoinedFile does.
  static std::shared_ptr<const Joins> Read(const Data& data);

  /// Applies the joins to data with certain columns. Immutable: used by any number of threads.
  class Plan {
   public:
    Plan() = default;
    /// Appends the columns of the joins to *names. Shares the joins. Throws Error, which begins
    /// with `where`, where the data lack the column that a join looks up, or have a column that it
    /// adds.
    Plan(std::shared_ptr<const Joins> joins, const std::string& where,
         std::vector<std::string>* names);
    /// Appends the values of the joins. REQUIRES: *values has the values of the data's own columns.
    void Append(std::vector<std::string_view>* values) const;

   private:
    std::shared_ptr<const Joins> joins_;
    std::vector<size_t> positions_;  // of each join's column
  };

  /// Whether a join adds a column of that name.
  bool HasColumn(std::string_view name) const;
  const google::protobuf::RepeatedPtrField<Join>& config() const { return config_; }
  /// The file that is joined by this column of the data; null where there is none.
  const JoinedFile* ByColumn(std::string_view column) const;

 private:
  Joins() = default;
  google::protobuf::RepeatedPtrField<Join> config_;
  std::vector<std::unique_ptr<const JoinedFile>> files_;
};

}  // namespace zhiyin::worker::data
