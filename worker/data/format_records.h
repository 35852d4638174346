// The records of files whose records name their values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/file_bytes.h"
#include "worker/data/format/format.h"
#include "worker/data/records.h"

namespace zhiyin::worker::data {

/// Returns the format of the files of a split: the one that Text.layout says, or else that of the
/// training files, where its columns have names of its own (Format::may_begin), or else the one
/// that recognises the first file that is not empty; null for delimited text. Calls `tick` for
/// every file that is looked at. Throws Error where there is no file or one cannot be read, and
/// where the columns of training have no meaning in the format.
const Format* FormatOfFiles(const Data& data, const Split& split, const Tick& tick);

/// Returns the format of the files of a join: the one that its text says, or else the one that
/// recognises the first file that is not empty; null for delimited text. Throws Error where one
/// cannot be read.
const Format* FormatOfJoin(const Join& join, const Tick& tick);

/// Returns the columns that a job reads, those that joins and data.behaviour add among them, each
/// once.
std::vector<WantedColumn> UsedColumns(const Job& job, LabelUse labels);
/// Returns the columns that a job reads from files whose records name their values, those that
/// joins and data.behaviour add not among them, each once. Throws Error where an input gives the
/// position of a column in place of its name.
std::vector<WantedColumn> WantedColumns(const Job& job, LabelUse labels);
/// Returns the columns of these names. `where` is where they come from, for messages.
Columns ColumnsOf(const std::vector<WantedColumn>& wanted, const std::string& where);

/// Reads the records of files of one format. Its units are files, or their parts (Format::parts)
/// where the files are few, or only some of their records are read. Its places are the beginnings
/// of files. Used by one thread.
class FormatRecords final : public Records {
 public:
  /// Looks at every file, so that one that is missing or of another format is reported at once.
  /// Adds what it reads later to *counts, which outlives it.
  FormatRecords(const Format& format, const Job& job, const Split& split, LabelUse labels,
                Tick tick, ReadCounts* counts);
  /// Reads certain columns of files, of which there is one at least. `text` is how they are read,
  /// `told_by` the place of that in the config, for messages.
  FormatRecords(const Format& format, const Text& text, const std::string& told_by,
                const google::protobuf::RepeatedPtrField<std::string>& files,
                std::vector<WantedColumn> wanted, Tick tick, ReadCounts* counts);

  void SetTick(Tick tick) override { tick_ = std::move(tick); }
  const Columns& columns() const override { return columns_; }
  bool Has(size_t) const override { return true; }
  std::vector<uint8_t> TakeSeen() override { return std::exchange(record_.seen, {}); }
  int64_t position() const override { return position_; }
  bool Next(RecordView* record) override;
  int64_t Skip(int64_t n) override;
  std::optional<Place> place() const override { return {}; }
  bool HasPlaces() const override { return false; }
  bool CanJump() const override { return false; }
  void Seek(const Place& place) override;
  int64_t BeginBefore(int64_t position) const override {
    return files_[FileBefore(position)].begin;
  }
  void RestartBefore(int64_t position) override;
  void SetBegins(std::span<const int64_t> begins) override;
  std::vector<int64_t> Begins() const override;
  std::vector<Unit> Units() const override;
  double RecordBytes() const override { return 0; }
  std::unique_ptr<Records> Between(const FileCut& begin, const FileCut& end) const override;
  ShareEnds ends() const override;
  const std::string& path() const override { return files_[next_file_ - 1].path; }
  size_t file() const override { return next_file_ - 1; }
  int64_t number() const override {
    return record_.number - (file() == begin_.file ? begin_.offset : 0);
  }

 private:
  FormatRecords(const FormatRecords& all, const FileCut& begin, const FileCut& end);

  struct File {
    std::string path;
    FileStamp stamp;
    /// The number of its first record; -1 while unknown.
    int64_t begin = -1;
  };
  size_t FileBefore(int64_t position) const;
  /// Opens the next file, and passes to the first of its records that are read; returns false when
  /// there is none.
  bool OpenNext();
  /// Passes over n records of the open file, or those that are left of what is read of it; returns
  /// how many there were.
  int64_t SkipHere(int64_t n);
  /// How many records of the open file may still be read.
  int64_t n_left_here() const {
    return file() == end_.file ? end_.offset - n_passed_here_ : INT64_MAX;
  }

  const Format& format_;
  Text text_;
  std::vector<WantedColumn> wanted_;
  Columns columns_;
  std::vector<File> files_;
  Tick tick_;
  ReadCounts* counts_;
  bool has_parts_ = false;
  FileCut begin_;  // what is read begins here
  FileCut end_;
  size_t next_file_ = 0;
  std::unique_ptr<RecordReader> reader_;  // of file next_file_ - 1
  int64_t n_passed_here_ = 0;             // records of that file
  int64_t position_ = 0;
  Record record_;
};

}  // namespace zhiyin::worker::data
