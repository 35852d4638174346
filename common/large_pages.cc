#include "common/large_pages.h"

#include <sys/mman.h>

namespace zhiyin {

void WishForHugePages(void* begin, size_t n_bytes) {
  constexpr size_t kHugePage = size_t{2} << 20;
  madvise(begin, n_bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
}

}  // namespace zhiyin
