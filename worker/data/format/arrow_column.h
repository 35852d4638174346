// A wanted column of the batches of a table.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "worker/data/format/arrow_c_data.h"
#include "worker/data/format/arrow_scalars.h"
#include "worker/data/format/arrow_type.h"
#include "worker/data/format/record_reader.h"
#include "worker/data/value.h"

namespace zhiyin::worker::data {

/// Converts a column to Values: of a struct's field, of a list, or of one item of it. A list is
/// several categories; as a text or a number it must have one item. Used by one thread.
class ArrowColumn {
 public:
  /// Items of a list; a record with a longer one is malformed.
  static constexpr int64_t kMaxListItems = 1 << 20;

  /// Throws Error as FindArrowColumn does. Borrows the arena, which holds texts of Read.
  ArrowColumn(const std::string& path, const ArrowType& table, const WantedColumn& wanted,
              TextArena* arena);

  /// Sets the batch to read. The batch before, whose dictionaries may be this one's, too, must be
  /// alive still. Throws Error where the batch contradicts the type.
  void SetBatch(const ArrowArray& batch);
  /// How many of the next n rows from `begin` can be read at a time, so that items of lists take
  /// little memory: 1 at least. REQUIRES: n > 0.
  int64_t RowsAtOnce(int64_t begin, int64_t n);
  /// Reads rows [begin, begin + n) of the batch to out[0], out[stride] and so on, valid until the
  /// next call. A value that is not what is wanted is missing and has a defect. Throws Error where
  /// the batch is corrupt.
  void Read(int64_t begin, int64_t n, Value* out, size_t stride, std::vector<ArrowDefect>* defects);

 private:
  /// A bitmap of valid values: of row r the bit r + offset.
  struct Validity {
    const uint8_t* bits;
    int64_t offset;
  };
  struct Items {
    int64_t begin;
    int64_t n;
  };

  bool IsList() const { return item_kind_ != ArrowKind::kOther; }
  bool IsValid(int64_t row) const;
  /// The items of a list; none where it is null.
  Items ItemsOf(int64_t row) const;
  template <typename Offset>
  Items ItemsByOffsets(int64_t i) const;
  /// Reads a list as several categories.
  void ReadList(int64_t row, std::vector<ArrowDefect>* defects, int64_t at);
  /// Reads the one item of a list that is wanted.
  void ReadItem(int64_t row, Value* out, std::vector<ArrowDefect>* defects, int64_t at);
  /// Gives the defects of items, from the n-th on, the position of their row.
  static void Relocate(size_t n, int64_t at, std::vector<ArrowDefect>* defects);

  std::string where_;
  ArrowPlace place_;
  ArrowType type_;
  WantedColumn::Use use_;
  ArrowKind item_kind_;   // of the list; kOther where the column is none
  ArrowScalars scalars_;  // the column's values, or the items of its lists

  std::vector<Validity> validities_;  // of the structs that the column is in, and of lists
  int64_t shift_ = 0;                 // from a row to the column's value
  const ArrowArray* list_ = nullptr;
  int64_t n_items_ = 0;                           // of all lists
  std::vector<Value> items_;                      // of one list
  std::vector<std::string_view> texts_;           // of the lists that were read
  std::vector<std::pair<size_t, size_t>> lists_;  // begin and end in texts_
};

}  // namespace zhiyin::worker::data
