// The types of Arrow columns, and where a wanted column is among them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "worker/data/format/arrow_c_data.h"
#include "worker/data/format/record_reader.h"

namespace zhiyin::worker::data {

/// What the values of a column are. `bytes`, `digits` and `seconds` are those of ArrowType.
enum class ArrowKind {
  kNull,
  kBool,
  kInt,       // signed, of `bytes` bytes
  kUint,      // unsigned
  kFloat,     // of 2, 4 or 8 bytes
  kDecimal,   // an integer of 4, 8, 16 or 32 bytes, with `digits` digits behind the point
  kTime,      // a kInt that counts seconds / 10^digits
  kText,      // with offsets of `bytes` bytes
  kTextView,  // with views of 16 bytes
  kFixedText,
  kUuid,      // of 16 bytes
  kList,      // with offsets of `bytes` bytes
  kListView,  // with offsets and lengths of `bytes` bytes
  kFixedList,
  kStruct,
  kOther,  // what no column can be read from: ArrowType::description tells
};

/// A type. Plain data, which owns what it names.
struct ArrowType {
  ArrowKind kind = ArrowKind::kOther;
  int bytes = 0;
  int digits = 0;
  int64_t seconds = 1;
  int64_t size = 0;         // of every kFixedText in bytes, of every kFixedList in items
  std::string name;         // of the column or field
  std::string description;  // for messages: "a map"
  /// kStruct: its fields. Lists: one, their items.
  std::vector<ArrowType> children;
  /// One, the type of the values, where the type is a dictionary's: then `kind` is that of the
  /// indices, kInt or kUint.
  std::vector<ArrowType> dictionary;
};

/// The type that a schema describes. A schema that contradicts itself gives kOther.
ArrowType ArrowTypeOf(const ArrowSchema& schema);

/// The place of a column in a table.
struct ArrowPlace {
  /// Positions of the column among those of the table, of a field in that struct, and so on.
  std::vector<size_t> fields;
  /// For a name that ends in "[N]": the position in the list, from 0.
  std::optional<int64_t> element;
};

/// Returns the type at a place. REQUIRES: the place is in the table.
const ArrowType& TypeAt(const ArrowType& table, const ArrowPlace& place);

/// Whether the values are lists, of which `children` has the items' type.
bool IsArrowList(ArrowKind kind);

/// The names by which FindArrowColumn finds columns and fields of structs, in their order.
std::vector<std::string> NamesOfArrowColumns(const ArrowType& table);

/// Finds a wanted column in a table, a struct of columns. Its name is that of a column, or else
/// `a.b`, the field b of the struct a, or else `a[N]`. Throws Error, which begins with `path`,
/// where there is none or several, or where its type is none that a Value can hold.
ArrowPlace FindArrowColumn(const std::string& path, const ArrowType& table,
                           const WantedColumn& wanted);

}  // namespace zhiyin::worker::data
