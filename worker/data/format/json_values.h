// What a value of JSON is to a column.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

#include "worker/data/format/record_reader.h"
#include "worker/data/value.h"

namespace zhiyin::worker::data {

/// Whether `text` is a number by RFC 8259, section 6; it may have any size.
bool IsJsonNumber(std::string_view text);

/// A value of a record; of a list or an object that it is one. Borrows its text. Plain data.
struct JsonValue {
  enum class Kind : unsigned char { kNull, kTrue, kFalse, kNumber, kText, kList, kObject };
  Kind kind = Kind::kNull;
  bool has_nul = false;  // in the text
  /// The text; a number or a literal as it stands in the file.
  std::string_view text;
};

/// The elements of a list. Plain data.
struct JsonList {
  size_t n = 0;
  JsonValue first;
  bool is_nested = false;  // has a list or an object
  bool has_nul = false;    // in one of its texts
  // The texts of those that are not null.
  size_t begin_text = 0;
  size_t n_texts = 0;
};

/// The value of a wanted column in the present record. Borrows its texts. Plain data.
struct FoundValue {
  /// What is wrong with it.
  enum class Problem : unsigned char {
    kNone,
    kObject,         // an object
    kList,           // a list for one text
    kSeveral,        // a list of several values for a number
    kNested,         // a list of lists or objects
    kNul,            // a text with a NUL
    kPathNotObject,  // `place` should hold an object
    kPathNotList,    // `place` should hold a list
  };
  static constexpr int kAbsent = std::numeric_limits<int>::max();

  /// How often the column's name was split to get here (JsonPaths::Place); kAbsent where no such
  /// value has come yet, and then the rest has no meaning.
  int n_splits = kAbsent;
  /// Whether the record has the column, or null where it would be within an object or a list, or a
  /// list that it is beyond the end of.
  bool is_there = false;
  Value::Kind kind = Value::Kind::kMissing;
  Problem problem = Problem::kNone;
  std::string_view text;
  double number = 0;
  // Texts of a list, in the reader's array; n_texts is the number of elements for kSeveral.
  size_t begin_text = 0;
  size_t n_texts = 0;
  std::string_view place;  // the beginning of the column's name that has the problem

  /// Takes a value that a column is read from. `list`: its elements, where it is one.
  void Take(WantedColumn::Use use, const JsonValue& json, const JsonList& list);
  /// Returns what is wrong and what was expected. REQUIRES: there is a problem.
  std::string Describe(const WantedColumn& column) const;
};

}  // namespace zhiyin::worker::data
