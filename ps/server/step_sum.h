// The sum of the gradients of one synchronous step. Slices are added in their order, so that the
// result does not depend on which worker computed which slice, or whose push came first.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/unique_keys.h"

namespace zhiyin::ps::server {

/// The sums of gradients for the embedding rows of one table. Rows are identified by their
/// addresses, which are borrowed. Allocates nothing once warm. Used by one thread.
class RowSum {
 public:
  void Clear() {
    positions_.Clear();
    rows_.clear();
    sums_.clear();
  }
  /// Adds the gradients of one slice, [rows.size(), dim]. Skips rows that are nullptr: their keys
  /// were refused.
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
