#include "common/large_pages.h"

#include <sys/mman.h>

namespace zhiyin {

void WishForHugePages(void* begin, size_t n_bytes) {
  madvise(begin, n_bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
}

}  // namespace zhiyin
