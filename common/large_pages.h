// Memory in huge pages for arrays that are streamed through.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace zhiyin {

inline constexpr size_t kHugePage = size_t{2} << 20;

/// Asks the system for huge pages in the whole ones of n_bytes from `begin` on. A wish: where the
/// system has none, ordinary pages stay.
void WishForHugePages(void* begin, size_t n_bytes);

/// Allocates for std::vector: aligned to kAlignment, and in huge pages from kLarge bytes on, where
/// a translation of addresses costs as much as what is read.
template <typename T>
class LargePageAllocator {
 public:
  using value_type = T;
  static constexpr size_t kAlignment = 64;
  static constexpr size_t kLarge = 2 * kHugePage;

  LargePageAllocator() = default;
  template <typename U>
  LargePageAllocator(const LargePageAllocator<U>& /*other*/) {}

  T* allocate(size_t n) {
    const size_t n_bytes = n * sizeof(T);
    void* const memory = ::operator new(n_bytes, Alignment(n_bytes));
    if (n_bytes >= kLarge) WishForHugePages(memory, n_bytes);
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, size_t n) { ::operator delete(memory, Alignment(n * sizeof(T))); }
  friend bool operator==(const LargePageAllocator&, const LargePageAllocator&) { return true; }

 private:
  static std::align_val_t Alignment(size_t n_bytes) {
    return std::align_val_t{n_bytes >= kLarge ? kHugePage : kAlignment};
  }
};

/// Contiguous numbers, always aligned alike, in huge pages where there are many.
template <typename T>
using LargeVector = std::vector<T, LargePageAllocator<T>>;

}  // namespace zhiyin
