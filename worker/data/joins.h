// Columns that rows get from other files: data.join.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "configs/job.pb.h"

namespace zhiyin::worker::data {

/// The lines of one join, by key. Immutable once read; any number of threads.
class JoinedFile {
 public:
  /// Throws Error where a file cannot be read, has no such key, or has a line that is malformed or
  /// whose key was there before.
  explicit JoinedFile(const Join& config);

  /// Without the key.
  const std::vector<std::string>& columns() const { return columns_; }
  int n_lines() const { return static_cast<int>(keys_.size()); }
  std::string_view key(int line) const { return keys_[static_cast<size_t>(line)]; }
  /// -1 where there is none of that key.
  int Find(std::string_view key) const;
  /// Appends a value for each of columns(): those of a line, or empty ones for line -1. Valid as
  /// long as this is.
  void Append(int line, std::vector<std::string_view>* values) const;

 private:
  void ReadFile(const Join& config, const std::string& path);

  std::vector<std::string> columns_;
  std::vector<std::string> header_;  // with the key
  std::vector<std::string> keys_;
  std::unordered_map<std::string_view, int> lines_;  // by keys_, which never moves once all is read
  std::string text_;                                 // all values, one after the other
  std::vector<size_t> ends_;                         // [n_lines, n_columns], in text_
};

/// All joins of a job, in order. Immutable; any number of threads.
class Joins {
 public:
  /// Throws Error as JoinedFile does.
  static std::shared_ptr<const Joins> Read(const Data& data);

  /// Rows that come with these columns.
  class Plan {
   public:
    Plan() = default;
    /// Appends the columns of the joins to *names. Throws Error, `where` in front, where a join's
    /// column is not among them, or a column is there already. Shares the joins.
    Plan(std::shared_ptr<const Joins> joins, const std::string& where,
         std::vector<std::string>* names);
    /// Appends their values. REQUIRES: the values of the first columns.
    void Append(std::vector<std::string_view>* values) const;

   private:
    std::shared_ptr<const Joins> joins_;
    std::vector<size_t> positions_;  // of each join's column
  };

  /// Whether a join adds a column of that name.
  bool HasColumn(std::string_view name) const;
  const google::protobuf::RepeatedPtrField<Join>& config() const { return config_; }
  /// The lines joined by this column of the rows; null where there are none.
  const JoinedFile* ByColumn(std::string_view column) const;

 private:
  Joins() = default;
  google::protobuf::RepeatedPtrField<Join> config_;
  std::vector<std::unique_ptr<const JoinedFile>> files_;
};

}  // namespace zhiyin::worker::data
