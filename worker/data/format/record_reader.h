// The interface of the readers of files whose records name their values: JSON Lines, libsvm,
// TFRecord, Parquet and the like.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/data/value.h"

namespace zhiyin::worker::data {

/// A column that a job reads from files whose records name their values.
struct WantedColumn {
  /// What the column is read for, which says what its values may be.
  enum class Use {
    /// One text: a key of data.join, a user, an item or a time of data.behaviour, a label that is
    /// compared as text. Whole numbers are given as their decimal text, other numbers as the
    /// text of the file or, where it holds none, the shortest one that reads back as them.
    kText,
    /// Categories: a text as for kText, or a list of such texts.
    kCategories,
    /// A number: a number, or a text that is yet to be parsed as one.
    kNumber,
  };
  std::string name;  // as the config has it; what it means is the format's: see docs/formats.md
  Use use = Use::kText;
};

/// A record of a file. Its values are valid until the next call of the reader.
struct Record {
  /// Where it stands in the file, from 1: its line in a text, else its number.
  int64_t number = 0;
  /// [wanted columns]. A column that the record lacks is missing.
  std::vector<Value> values;
  /// What is wrong with a malformed record and what was expected; empty for a good one.
  std::string wrong;
  /// [wanted columns]: 1 for a column that this record has, or one that was read into this before;
  /// its value may be missing, as null is. Readers give it its size and clear nothing.
  std::vector<uint8_t> seen;
};

/// Reads the records of one file in order. Memory is bounded whatever the file holds. Throws Error,
/// which begins with the file's name, where the file cannot be read on: it is unreadable, corrupt
/// or truncated, or has changed since it was opened. Used by one thread.
class RecordReader {
 public:
  virtual ~RecordReader() = default;

  /// Reads the next record, whether good or malformed; returns false at the end of the file.
  virtual bool Next(Record* record) = 0;
  /// Passes over n records; returns how many there were.
  virtual int64_t Skip(int64_t n) = 0;
  /// Passes to the last part of the file that begins within the next n records and can be read
  /// without those before it (Format::parts), if it was not begun yet. Returns how many records
  /// that passed over; reads none of them.
  virtual int64_t PassParts(int64_t) { return 0; }
};

}  // namespace zhiyin::worker::data
