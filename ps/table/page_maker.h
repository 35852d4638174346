// Faults in huge pages on a separate thread, before they are used.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>

#include "ps/table/huge_pages.h"

namespace zhiyin::ps::table {

/// The bytes to fault in ahead of n_used bytes in use. On a virtual machine, whose host has to find
/// each page, the system may for seconds provide less memory than a growing table takes; hence some
/// reserve, but only a small share of the bytes in use.
inline size_t BytesAhead(size_t n_used) {
  return std::max(std::clamp(n_used / 8, kHugePage, 16 * kHugePage), n_used / 64) / kHugePage *
         kHugePage;
}

/// Maps and faults in memory on a thread of its own, one for all tables of the process, since both
/// may take so long that requests would be delayed. (While one thread faults in a page, other
/// threads that map addresses or start a thread have to wait, too.)
///
/// Used by one thread. Orders are served in turn. If the thread cannot be started, memory is
/// faulted in when it is used.
class PageMaker {
 public:
  PageMaker();
  PageMaker(PageMaker&&) noexcept;
  /// Cancels open orders; waits for the one that is being served.
  ~PageMaker();

  /// Whether an order is open.
  bool IsBusy() const;
  /// Orders the memory of mapped addresses, which must stay mapped until this object is destroyed.
  /// REQUIRES: both ends are huge page boundaries.
  void MakePages(std::byte* pages, size_t n_bytes);
  /// Orders a chunk of n_bytes that will be taken soon. Does nothing when one has been ordered and
  /// not taken.
  void MapAhead(size_t n_bytes);
  /// Returns a chunk of huge pages: the ordered one where it is ready and fits. Throws
  /// std::bad_alloc.
  HugeChunk TakeChunk(size_t n_bytes);

 private:
  friend class PageMakerThread;
  struct Orders;
  std::unique_ptr<Orders> orders_;
};

}  // namespace zhiyin::ps::table
