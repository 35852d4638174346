// The records of the files of a split, whatever their format.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/tick.h"
#include "configs/job.pb.h"
#include "worker/data/schema.h"
#include "worker/data/text_lines.h"
#include "worker/data/value.h"

namespace zhiyin::worker::data {

/// A record, good or malformed.
struct RecordView {
  /// The values of the columns of Records, valid until the next call of a function that moves. A
  /// malformed line of text may have another number of them.
  std::vector<Value> values;
  /// What is wrong with the record and what was expected; empty for a good one.
  std::string wrong;
};

/// A part of the files of a split that one reader reads from end to end.
struct Unit {
  FileCut begin;        // its end is the beginning of the next unit, or the end of the files
  int64_t n_bytes = 0;  // on disk
  /// Whether offsets within it count bytes on disk, and what is before one need not be read.
  bool is_plain = false;
  /// Its records, negative where they are not known before they are read.
  int64_t n_records = -1;
};

/// Where records that were read between two cuts begin and end, known once they were read.
struct ShareEnds {
  FileCut begin;  // of the first record
  FileCut end;    // of the first record behind them
  /// How many lines of the file of `end` were read, empty ones and the header included.
  int64_t n_lines = 0;
};

/// Reads the records of files in order, as if they were one file. Records are numbered from 0 over
/// all files; headers and empty lines have no number. Throws Error where a file cannot be read or
/// differs from what it was when this was made. Used by one thread.
class Records {
 public:
  virtual ~Records() = default;
  /// Sets what is called for every file that is opened, while Skip passes over records, and while
  /// Seek decodes a compressed file up to a place within it.
  virtual void SetTick(Tick tick) = 0;

  /// The columns of the values.
  virtual const Columns& columns() const = 0;
  /// Whether the files have a column; those that they lack are missing in every record.
  virtual bool Has(size_t column) const = 0;
  /// Which columns the records had that were read since the last call (Record::seen), [columns].
  /// Empty where none was read, and for formats whose files tell their columns when they are
  /// opened.
  virtual std::vector<uint8_t> TakeSeen() { return {}; }

  /// The number of the record that Next returns next.
  virtual int64_t position() const = 0;
  /// Reads the next record; returns false at the end of the last file.
  virtual bool Next(RecordView* record) = 0;
  /// Passes over n records; returns how many there were.
  virtual int64_t Skip(int64_t n) = 0;

  /// A record that can be returned to without reading what is before it.
  using Place = TextLines::Place;
  /// The present place; nullopt where this cannot return to it, as in a converted text.
  virtual std::optional<Place> place() const = 0;
  /// Whether it can return to places at all.
  virtual bool HasPlaces() const { return true; }
  virtual void Seek(const Place& place) = 0;
  /// From now on reads nothing behind a place before a record needs it, where this can tell. Seek
  /// ends this.
  virtual void ReadAheadTo(const Place&) {}
  /// The number of the first record of the last file that is known to begin at record `position` or
  /// before it.
  virtual int64_t BeginBefore(int64_t position) const = 0;
  /// Goes to the beginning of that file.
  virtual void RestartBefore(int64_t position) = 0;
  /// Whether every place is reached without reading what is before it.
  virtual bool CanJump() const = 0;
  /// Says that the files begin at these records, [files], where they are not negative. REQUIRES:
  /// nothing was read yet.
  virtual void SetBegins(std::span<const int64_t> begins) = 0;
  /// The first record of each file, [files]; negative where it is not known.
  virtual std::vector<int64_t> Begins() const = 0;

  /// The units of the files, in order. They depend on the files alone.
  virtual std::vector<Unit> Units() const = 0;
  /// About how many bytes of the files a record has; 0 where nothing tells.
  virtual double RecordBytes() const = 0;
  /// Returns a reader of the records that begin between two cuts, numbered from 0, which cannot
  /// move but forward. In a file that it begins in the middle of, number() counts from there.
  virtual std::unique_ptr<Records> Between(const FileCut& begin, const FileCut& end) const = 0;
  /// The ends of what was read. REQUIRES: this is a reader between cuts, and Next returned false.
  virtual ShareEnds ends() const = 0;
  /// From now on notes points of the compressed files that are read, every so many of their bytes.
  /// REQUIRES: this is a reader between cuts; 0 < every.
  virtual void NotePoints(int64_t) {}
  /// Those that were noted. Call once.
  virtual FilePoints TakePoints() { return {}; }
  /// Sets points of the files. REQUIRES: nothing was read yet.
  virtual void SetPoints(FilePoints) {}

  /// The file of the record that was read last, and where it stands there: the line of a text, or
  /// the number of the record, from 1. REQUIRES: one was read.
  virtual const std::string& path() const = 0;
  virtual size_t file() const = 0;  // its position among the files
  virtual int64_t number() const = 0;
};

/// Opens the files of a split. All are of one format, which their first bytes tell (formats.h).
/// Where labels are ignored, columns that only tasks read may be missing. Calls `tick` for every
/// file, now and later. Throws Error for no file, a file that is missing or cannot be read, and
/// files that lack a column or differ in their formats or columns (InspectFiles). What is read for
/// records is counted as FileBytes does, what is read to see of which kind files are is not.
/// REQUIRES: the job's data is in files; `split` need not be one of the job's.
std::unique_ptr<Records> OpenRecords(const Job& job, const Split& split, LabelUse labels,
                                     const Tick& tick, ReadCounts* counts = nullptr);

/// Sets data.columns to those of the training files and to their format, unless the job has them
/// already, or its data is in no files. Throws Error as OpenRecords does.
void FindColumns(
    Job* job, const Tick& tick = [] {});

}  // namespace zhiyin::worker::data
