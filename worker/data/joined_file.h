// The lines of one join: data.join[N].
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/name_table.h"
#include "common/tick.h"
#include "configs/job.pb.h"
#include "worker/data/file_bytes.h"
#include "worker/data/format/format.h"
#include "worker/data/value.h"

namespace zhiyin::worker::data {

/// Returns the names of the columns that a join adds: those of Join.add, or else all columns of
/// delimited text but the key, or those of records that name their values which the job reads.
/// Throws Error where a file cannot be read, and where columns are numbers and Join.add is not
/// given.
std::vector<std::string> ColumnsOfJoin(const Job& job, int join);

/// The lines, or records of another format, of one join, by key. Immutable: used by any number of
/// threads.
class JoinedFile {
 public:
  /// The most malformed lines that are named; all are counted.
  static constexpr size_t kMaxNamed = 10;

  /// Reads the files of data.join[`join`] of `job` and calls `tick` meanwhile. A line that is
  /// malformed is left out: one that cannot be cut into the columns, that has no key or the key of
  /// a line before it, or that has a value which no example can have. Throws Error where a file
  /// cannot be read, is of another format than the first one, or has no key column or none to add,
  /// where more than half of the lines are malformed, or where one is and data.max_bad_share is 0.
  /// What is read is added to *counts, unless it is null.
  JoinedFile(const Job& job, int join, const Tick& tick, ReadCounts* counts);

  /// The names of the columns, without the key.
  const std::vector<std::string>& columns() const { return columns_; }
  /// The number of lines, without malformed ones.
  int n_lines() const { return keys_.size(); }
  int64_t n_bad() const { return n_bad_; }
  /// The first malformed lines: `items.csv:7: item "x": what is wrong, what is expected`.
  const std::vector<std::string>& bad() const { return bad_; }
  std::string_view key(int line) const { return keys_[line]; }
  /// Returns the line with the key; -1 where there is none.
  int Find(std::string_view key) const { return keys_.Find(key); }
  /// Appends a value for each of columns(): those of a line, or missing ones for line -1. They are
  /// valid during the lifetime of this object. A number that a file holds as one is a text.
  void Append(int line, std::vector<Value>* values) const;

  /// An empty file, which Share fills in.
  JoinedFile() = default;
  /// Moves the lines to memory of the host, or takes them from there.
  template <typename Archive>
  void Share(Archive* archive) {
    archive->Strings(&columns_);
    keys_.Share(archive);
    archive->Array(&text_);
    archive->Array(&ends_);
    archive->Value(&n_bad_);
    archive->Strings(&bad_);
  }

 private:
  struct Reading;
  /// In an element of ends_: the value is a packed list.
  static constexpr size_t kIsList = ~(~size_t{0} >> 1);

  void ReadText(const std::string& path, Reading* reading, const Tick& tick);
  void ReadRecords(const Format& format, Reading* reading, const Tick& tick);
  /// Notes the names of the columns of the first file, of which those that are added are kept.
  /// Throws Error, which begins with `path`, where there is no key, or one to be added is not
  /// there.
  void SetNames(const std::string& path, std::vector<std::string> names, Reading* reading);
  /// Keeps a line, or returns what is wrong with it, beginning with its key where it has one. Makes
  /// the values missing that mean so.
  std::string Take(std::span<Value> values, Reading* reading);
  void Store(const Value& value);
  /// Counts a malformed line, and names it if it is one of the first.
  void AddBad(std::string wrong, const Reading& reading);

  std::vector<std::string> columns_;
  NameTable keys_;          // the number of a key is that of its line
  HostArray<char> text_;    // all values, concatenated
  HostArray<size_t> ends_;  // [n_lines, n_columns]: ends of the values in text_
  int64_t n_bad_ = 0;
  std::vector<std::string> bad_;
};

/// Returns the key as messages show it.
std::string QuotedKey(std::string_view key);

}  // namespace zhiyin::worker::data
