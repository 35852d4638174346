// Memory that is there before it is needed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>

#include "ps/table/huge_pages.h"

namespace zhiyin::ps::table {

/// How much memory to have made behind what is in use. On a virtual machine, whose host has to find
/// each page, there are seconds in which the system gives less than a growing table takes; but it
/// is to be no more than a small share of what there is.
inline size_t BytesAhead(size_t n_used) {
  return std::max(std::clamp(n_used / 8, kHugePage, 16 * kHugePage), n_used / 64) / kHugePage *
         kHugePage;
}

/// Has a thread, one for all tables of the process, ask the system for memory, where that may take
/// long: a request would feel it. Even to map addresses has to wait while another thread's page is
/// made, and so has to start a thread.
///
/// Used by one thread. What is asked for is done in turn; where no thread is to be had it is done
/// when it is needed, by who needs it.
class PageMaker {
 public:
  PageMaker();
  PageMaker(PageMaker&&) noexcept;
  /// Waits for what is under way.
  ~PageMaker();

  /// Something that was asked for is not done.
  bool IsBusy() const;
  /// Makes memory of mapped addresses, which stay until this is destroyed. Both borders are a huge
  /// page's.
  void MakePages(std::byte* pages, size_t n_bytes);
  /// So large a chunk will be taken soon. Does nothing where it has been said before and none was
  /// taken since.
  void MapAhead(size_t n_bytes);
  /// A chunk of huge pages, the one that was asked for where it is there and fits. Throws Error as
  /// MapHugeChunk.
  HugeChunk TakeChunk(size_t n_bytes);

 private:
  friend class PageMakerThread;
  struct Orders;
  std::unique_ptr<Orders> orders_;
};

}  // namespace zhiyin::ps::table
