// The layout of an embedding row.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/number.h"

namespace zhiyin::ps::table {

/// The record of a row's use. Part of the rows of tables with an eviction rule only.
struct RowUse {
  uint32_t last_step = 0;     // the latest step that pulled it
  uint32_t n_pulls : 31 = 0;  // pulls since the last sweep; saturates
  uint32_t is_new : 1 = 1;    // made since the last sweep
};
static_assert(sizeof(RowUse) == 8);

/// The layout of the rows of a table, in memory and on disk: [weights | optimizer state, f32 |
/// RowUse]. Every part begins at a multiple of 4 bytes. A value, shared by all rows of the table.
struct RowLayout {
  int dim = 0;
  NumberType number = FP32;  // of the weights
  int state_floats = 0;
  bool tracks_use = false;

  size_t state_offset() const { return (static_cast<size_t>(dim * BytesOf(number)) + 3) / 4 * 4; }
  size_t use_offset() const {
    return state_offset() + static_cast<size_t>(state_floats) * sizeof(float);
  }
  size_t bytes() const { return use_offset() + (tracks_use ? sizeof(RowUse) : 0); }

  float* StateOf(std::byte* row) const { return reinterpret_cast<float*>(row + state_offset()); }
  RowUse* UseOf(std::byte* row) const { return reinterpret_cast<RowUse*>(row + use_offset()); }
};

}  // namespace zhiyin::ps::table
