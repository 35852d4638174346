// Erases chosen groups of a vector's elements in one pass.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace zhiyin {

/// Erases elements p * width up to (p + 1) * width of *values for each p of `positions`; the others
/// stay in their order. A vector without elements stays so. REQUIRES: the positions are ascending
/// and distinct, and each has its elements.
template <typename T>
void EraseAt(std::span<const int64_t> positions, size_t width, std::vector<T>* values) {
  if (positions.empty() || values->empty()) return;
  const auto place = [&](size_t position) {
    return values->begin() + static_cast<std::ptrdiff_t>(position * width);
  };
  auto to = place(static_cast<size_t>(positions[0]));
  for (size_t i = 0; i < positions.size(); ++i) {
    const auto begin = place(static_cast<size_t>(positions[i]) + 1);
    const auto end =
        i + 1 < positions.size() ? place(static_cast<size_t>(positions[i + 1])) : values->end();
    to = std::move(begin, end, to);
  }
  values->erase(to, values->end());
}

}  // namespace zhiyin
