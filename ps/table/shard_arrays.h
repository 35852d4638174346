// An array for each virtual shard, made when it is first needed, and saved by what is in it.
//
// A saved array holds the runs of elements that are not zero, in order:
//
//   u32 the first element of the run, u32 the number of its elements, the elements
//
// Runs with so few zeros between them that a head would be longer are one. An array of zeros, and
// one that was not made, is saved as nothing.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "ps/partitioner.h"

namespace zhiyin::ps::table {

/// How the array of a shard was saved: kDense are all of its elements, as in files of format 5.
enum class ShardCoding { kRuns, kDense };

/// T is a plain value without padding; zero is the value of all zero bytes. Used by one thread.
template <typename T>
class ShardArrays {
 public:
  explicit ShardArrays(uint32_t length) : length_(length), arrays_(kNumShards) {}

  uint32_t length() const { return length_; }
  int64_t n_bytes() const { return n_bytes_; }
  int64_t MostBytes() const {
    return int64_t{kNumShards} * length_ * static_cast<int64_t>(sizeof(T));
  }

  /// The elements [length] of a shard, at first zeros.
  T* Get(int shard) {
    std::vector<T>& array = arrays_[static_cast<size_t>(shard)];
    if (array.empty()) {
      array.resize(length_);
      n_bytes_ += static_cast<int64_t>(length_ * sizeof(T));
    }
    return array.data();
  }
  /// nullptr where Get was not called yet.
  const T* Peek(int shard) const {
    const std::vector<T>& array = arrays_[static_cast<size_t>(shard)];
    return array.empty() ? nullptr : array.data();
  }

  std::string Save(int shard) const {
    const std::vector<T>& array = arrays_[static_cast<size_t>(shard)];
    const uint32_t n = static_cast<uint32_t>(array.size());
    std::string bytes;
    for (uint32_t begin = NextUsed(array, 0); begin < n;) {
      uint32_t end = begin;  // of the run
      uint32_t next = begin;
      while (next < n && (next - end) * sizeof(T) <= kHeadBytes) {
        end = next + 1;
        next = NextUsed(array, end);
      }
      const uint32_t head[2] = {begin, end - begin};
      bytes.append(reinterpret_cast<const char*>(head), kHeadBytes);
      bytes.append(reinterpret_cast<const char*>(array.data() + begin), (end - begin) * sizeof(T));
      begin = next;
    }
    return bytes;
  }

  /// Replaces the array of a shard. Throws Error on bytes that Save did not write for arrays of
  /// this length.
  void Load(int shard, std::string_view bytes, ShardCoding coding) {
    if (coding == ShardCoding::kDense) {
      if (bytes.size() != length_ * sizeof(T))
        Fail("sightings of shard ", shard, ": ", bytes.size(), " bytes, expected ",
             length_ * sizeof(T));
      std::memcpy(Get(shard), bytes.data(), bytes.size());
      return;
    }
    if (Peek(shard) != nullptr) std::fill_n(Get(shard), length_, T{});
    uint64_t at = 0;  // all before it is read
    while (!bytes.empty()) {
      uint32_t head[2] = {};
      if (bytes.size() >= kHeadBytes) std::memcpy(head, bytes.data(), kHeadBytes);
      const uint64_t begin = head[0];
      const uint64_t n = head[1];
      if (n == 0 || begin < at || begin + n > length_ || bytes.size() < kHeadBytes + n * sizeof(T))
        Fail("sightings of shard ", shard, ": ", n, " elements from ", begin, " in ", bytes.size(),
             " bytes, expected some from ", at, " to ", length_);
      std::memcpy(Get(shard) + begin, bytes.data() + kHeadBytes, n * sizeof(T));
      at = begin + n;
      bytes.remove_prefix(kHeadBytes + n * sizeof(T));
    }
  }

 private:
  static constexpr size_t kHeadBytes = 2 * sizeof(uint32_t);

  /// The first element from `begin` on that is not zero; the length where there is none.
  static uint32_t NextUsed(const std::vector<T>& array, uint32_t begin) {
    const T zero = {};
    const auto at = std::find_if(array.begin() + begin, array.end(), [&](const T& element) {
      return std::memcmp(&element, &zero, sizeof(T)) != 0;
    });
    return static_cast<uint32_t>(at - array.begin());
  }

  uint32_t length_;
  std::vector<std::vector<T>> arrays_;
  int64_t n_bytes_ = static_cast<int64_t>(kNumShards * sizeof(std::vector<T>));
};

}  // namespace zhiyin::ps::table
