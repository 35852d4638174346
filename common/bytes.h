// Conversion of plain values to bytes and back, little-endian, for control messages and
// checkpoints.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/error.h"

namespace zhiyin {

static_assert(std::endian::native == std::endian::little,
              "frames and checkpoints are little-endian");

/// Appends values to a string of bytes.
class ByteWriter {
 public:
  template <typename T>
  void Put(const T& value) {
    static_assert(std::is_arithmetic_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(T));
  }
  void PutBytes(std::string_view bytes) { bytes_.append(bytes); }
  /// Puts an unsigned number in groups of seven bits, the lowest first; all but the last group have
  /// the highest bit of their byte set (LEB128). Small numbers take one byte.
  void PutVarint(unsigned __int128 value) {
    for (; value > 0x7f; value >>= 7) Put(static_cast<uint8_t>(0x80 | (value & 0x7f)));
    Put(static_cast<uint8_t>(value));
  }
  void PutString(std::string_view text) {
    Put<uint64_t>(text.size());
    bytes_.append(text);
  }
  template <typename T>
  void PutArray(std::span<const T> values) {
    static_assert(std::is_arithmetic_v<T>);
    Put<uint64_t>(values.size());
    bytes_.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  }
  size_t size() const { return bytes_.size(); }
  std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

/// Reads values that ByteWriter wrote. Borrows the bytes. Throws Error("NAME: ...") when a value
/// would end behind the bytes; an array is checked before its memory is allocated.
class ByteReader {
 public:
  ByteReader(std::string_view bytes, std::string name) : bytes_(bytes), name_(std::move(name)) {}

  template <typename T>
  T Get() {
    static_assert(std::is_arithmetic_v<T>);
    T value;
    std::memcpy(&value, Skip(sizeof(T)), sizeof(T));
    return value;
  }
  /// Throws Error for a number above `max`.
  unsigned __int128 GetVarint(unsigned __int128 max) {
    unsigned __int128 value = 0;
    for (int shift = 0;; shift += 7) {
      const uint8_t group = Get<uint8_t>();
      const unsigned __int128 bits = group & 0x7f;
      if (shift > 126 || bits > (max >> shift) || (bits << shift) > max - value)
        Refuse("a number that is too large");
      value += bits << shift;
      if ((group & 0x80) == 0) return value;
    }
  }
  std::string GetString() {
    const uint64_t n = Get<uint64_t>();
    return std::string(Skip(n), n);
  }
  template <typename T>
  std::vector<T> GetArray() {
    const uint64_t n = Get<uint64_t>();
    if (n > bytes_.size() / sizeof(T)) TooShort(n);
    std::vector<T> values(n);
    const char* from = Skip(n * sizeof(T));
    if (n > 0) std::memcpy(values.data(), from, n * sizeof(T));
    return values;
  }
  /// Throws Error: the value that was just read is `what`.
  [[noreturn]] void Refuse(std::string_view what) const {
    Fail(name_, ": the bytes before byte ", at_, " are ", what);
  }
  /// Whether all bytes are read.
  bool AtEnd() const { return at_ == bytes_.size(); }

 private:
  const char* Skip(uint64_t n) {
    if (n > bytes_.size() - at_) TooShort(n);
    at_ += n;
    return bytes_.data() + at_ - n;
  }
  [[noreturn]] void TooShort(uint64_t n) const {
    Fail(name_, ": ends at byte ", bytes_.size(), ", but ", n, " more are expected at byte ", at_);
  }

  std::string_view bytes_;
  size_t at_ = 0;
  std::string name_;
};

}  // namespace zhiyin
