// Slices of a split: its examples grouped by the categories of a field. (The slices of a training
// step are worker/data/slice_queue.h.)
#pragma once

#include <cstddef>
#include <vector>

#include "common/types.h"
#include "worker/data/examples.h"

namespace zhiyin::worker::saved {

/// The examples that have a category.
struct Slice {
  Key key = 0;
  /// Ascending numbers of examples, counted from 0 through all blocks.
  std::vector<size_t> examples;
};

/// Returns a slice for every key of the field, the largest first, of equal ones that with the
/// smaller key. An example with several keys is in as many slices, once in each; one without keys
/// is in the slice of key 0. A pure function, from any thread; throws nothing.
std::vector<Slice> SlicesOf(const std::vector<data::Examples>& blocks, int field);

}  // namespace zhiyin::worker::saved
