// The values of an Arrow array whose values are each one text or number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "worker/data/format/arrow_c_data.h"
#include "worker/data/format/arrow_type.h"
#include "worker/data/value.h"

namespace zhiyin::worker::data {

/// Memory for texts that are made from numbers. It never moves them, and keeps its memory for the
/// next ones. Used by one thread.
class TextArena {
 public:
  static constexpr size_t kBlockBytes = 256 << 10;

  /// Returns room for n bytes, of which Used tells how many are taken. REQUIRES: n <= kBlockBytes.
  char* Room(size_t n) {
    if (blocks_.empty() || kBlockBytes - used_ < n) NextBlock();
    return blocks_[block_].get() + used_;
  }
  void Used(const char* end) { used_ = static_cast<size_t>(end - blocks_[block_].get()); }
  /// Forgets all texts.
  void Clear();

 private:
  void NextBlock();

  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t block_ = 0;  // the one in use
  size_t used_ = 0;   // bytes of it
};

/// What is wrong with a value and what was expected.
struct ArrowDefect {
  int64_t at = 0;  // its position in what was read
  std::string what;
};

/// Converts the values of arrays of one type to Values. Borrows the array, which must live as long
/// as the Values that were read. Used by one thread.
class ArrowScalars {
 public:
  /// `where` begins messages: "FILE: column "x"". as_numbers: numbers become Value::Number; else
  /// text, in `arena`, which is borrowed. REQUIRES: the type is a scalar's.
  ArrowScalars(std::string where, const ArrowType& type, bool as_numbers, TextArena* arena);
  ~ArrowScalars();
  ArrowScalars(ArrowScalars&&) noexcept;

  /// Sets the array. Throws Error where its structure is not that of the type, or where it has
  /// fewer than n values. Buffers are believed to be as long as they have to be.
  void SetArray(const ArrowArray& array, int64_t n);

  /// Reads values [begin, begin + n) to out[0], out[stride] and so on; nulls are missing. A value
  /// that is no text is missing and has a defect. Throws Error where offsets or indices are wrong.
  void Read(int64_t begin, int64_t n, Value* out, size_t stride, std::vector<ArrowDefect>* defects);

 private:
  class Dictionary;

  bool IsValid(int64_t i) const {
    const auto bit = static_cast<uint64_t>(i + offset_);
    return validity_ == nullptr || ((validity_[bit / 8] >> (bit % 8)) & 1) != 0;
  }
  /// Sets every value to value_of(its position), or to a missing one.
  template <typename ValueOf>
  void Fill(int64_t begin, int64_t n, Value* out, size_t stride, const ValueOf& value_of);
  template <typename Number>
  const Number* Numbers() const {
    return static_cast<const Number*>(values_) + offset_;
  }
  /// Reads integers of a type.
  template <typename Integer>
  void ReadIntegers(int64_t begin, int64_t n, Value* out, size_t stride);
  template <typename Integer>
  void ReadIndices(int64_t begin, int64_t n, Value* out, size_t stride,
                   std::vector<ArrowDefect>* defects);
  void ReadFloats(int64_t begin, int64_t n, Value* out, size_t stride);
  void ReadDecimals(int64_t begin, int64_t n, Value* out, size_t stride);
  void ReadTimes(int64_t begin, int64_t n, Value* out, size_t stride);
  void ReadBools(int64_t begin, int64_t n, Value* out, size_t stride);
  template <typename Offset>
  void ReadTexts(int64_t begin, int64_t n, Value* out, size_t stride,
                 std::vector<ArrowDefect>* defects);
  void ReadTextViews(int64_t begin, int64_t n, Value* out, size_t stride,
                     std::vector<ArrowDefect>* defects);
  void ReadFixedTexts(int64_t begin, int64_t n, Value* out, size_t stride,
                      std::vector<ArrowDefect>* defects);
  /// Calls read(Number()) for the integer type of kInt and kUint.
  template <typename Reads>
  void ForIntegers(const Reads& read) const;
  /// Returns the text, or a missing value with a defect at position `at` of what is read.
  Value Checked(std::string_view text, int64_t at, std::vector<ArrowDefect>* defects) const;
  /// Sets values by numbers that `write` writes: write(i, to) returns the end of the text.
  template <typename Write>
  void FillTexts(int64_t begin, int64_t n, size_t max_bytes, Value* out, size_t stride,
                 const Write& write);

  std::string where_;
  ArrowType type_;
  bool as_numbers_;
  TextArena* arena_;
  std::unique_ptr<Dictionary> dictionary_;  // null where the type has none

  const uint8_t* validity_ = nullptr;  // null: no nulls
  const void* values_ = nullptr;       // numbers, offsets, views or bytes
  const char* bytes_ = nullptr;        // of kText
  const void* const* buffers_ = nullptr;
  int64_t n_buffers_ = 0;
  int64_t offset_ = 0;
};

/// Throws Error that a batch contradicts its schema: "WHERE: corrupt batch, WHAT".
[[noreturn]] void FailCorrupt(const std::string& where, const std::string& what);

/// Throws Error where an array has not so many buffers or children, has null ones, or has fewer
/// than n values.
void CheckArrowArray(const std::string& where, const ArrowArray& array, int64_t n,
                     int64_t n_buffers, int64_t n_children);

}  // namespace zhiyin::worker::data
