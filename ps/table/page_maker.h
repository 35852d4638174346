// Huge pages that are made before they are needed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>

#include "ps/table/huge_pages.h"

namespace zhiyin::ps::table {

/// Bytes to have made behind n_used bytes in use. On a virtual machine, whose host has to find each
/// page, there are seconds in which the system provides less than a growing table takes; but the
/// result is at most a small share of what is in use.
inline size_t BytesAhead(size_t n_used) {
  return std::max(std::clamp(n_used / 8, kHugePage, 16 * kHugePage), n_used / 64) / kHugePage *
         kHugePage;
}

/// Asks the system for memory on a thread of its own, one for all tables of the process, where that
/// may take so long that a request would be delayed. Mapping addresses, too, has to wait while
/// another thread's page is made, and so has starting a thread.
///
/// Used by one thread. Orders are served in turn; where the system has no thread the memory is made
/// when it is used.
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
  /// Returns a chunk of huge pages: the ordered one where it is ready and fits. Throws Error as
  /// MapHugeChunk does.
  HugeChunk TakeChunk(size_t n_bytes);

 private:
  friend class PageMakerThread;
  struct Orders;
  std::unique_ptr<Orders> orders_;
};

}  // namespace zhiyin::ps::table
