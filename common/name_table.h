// Names, and the numbers that they were given.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/host_memory.h"

namespace zhiyin {

/// Distinct names, numbered from 0 in the order in which they were added. Takes the bytes of the
/// names and about 20 bytes for each. Used by one thread while names are added, then by any number.
class NameTable {
 public:
  /// Returns the number of a name, which is added unless it is there. Throws Error for more than
  /// 2^31 - 1 names.
  int Add(std::string_view name);
  /// Returns the number of a name; -1 where it is not there.
  int Find(std::string_view name) const;

  int size() const { return static_cast<int>(ends_.size()); }
  bool empty() const { return ends_.empty(); }
  /// The name with this number. Valid until a name is added.
  std::string_view operator[](int number) const;
  /// Moves the names to memory of the host, or takes them from there.
  template <typename Archive>
  void Share(Archive* archive) {
    archive->Array(&bytes_);
    archive->Array(&ends_);
    archive->Array(&slots_);
  }

 private:
  /// Returns the slot that has the number of the name, or the empty one where it belongs.
  size_t SlotOf(std::string_view name) const;
  void Grow();

  static constexpr int kEmpty = -1;
  HostArray<char> bytes_;     // of all names, one after the other
  HostArray<uint64_t> ends_;  // [size()]: where each name ends in bytes_
  HostArray<int> slots_;      // numbers or kEmpty; of a power of two, at most 3 of 4 are taken
};

}  // namespace zhiyin
