// The gradients of one synchronous step: gathered from all slices, summed in slice order, so that
// the result does not depend on who computed which slice or whose push came first.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/unique_keys.h"

namespace zhiyin::ps::server {

/// Sum per row of gradients that come as lists of (row, gradient). Of one table; one thread;
/// allocates nothing once warm.
class RowSum {
 public:
  void Clear() {
    positions_.Clear();
    rows_.clear();
    sums_.clear();
  }
  /// gradients: [rows.size(), dim]. A row that is nullptr was refused: its gradient is left out.
  void Add(std::span<std::byte* const> rows, const float* gradients, int dim);

  std::span<std::byte* const> rows() const { return rows_; }
  /// [rows().size(), dim]
  const float* sums() const { return sums_.data(); }

 private:
  UniqueKeys positions_;  // of addresses
  std::vector<std::byte*> rows_;
  std::vector<float> sums_;  // [rows_.size(), dim]
};

}  // namespace zhiyin::ps::server
