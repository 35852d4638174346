#include "ps/table/huge_pages.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace zhiyin::ps::table {

void Unmap::operator()(std::byte* memory) const {
  munmap(memory, n_bytes);
}

HugeChunk MapHugeChunk(size_t n_bytes, size_t n_small) {
  void* mapped = mmap(nullptr, n_bytes + kHugePage, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  std::byte* const begin = static_cast<std::byte*>(mapped);
  const size_t before =
      RoundUp(reinterpret_cast<uintptr_t>(begin), kHugePage) - reinterpret_cast<uintptr_t>(begin);
  if (before > 0) munmap(begin, before);
  munmap(begin + before + n_bytes, kHugePage - before);
  WishForHugePages(begin + before + n_small, n_bytes - n_small);
  return HugeChunk(begin + before, Unmap{n_bytes});
}

}  // namespace zhiyin::ps::table
