// Basic types that all rooms share.
#pragma once

#include <cstdint>
#include <limits>

namespace zhiyin {

/// The key of an embedding row in a table: 64 bits, already hashed, every value allowed.
using Key = uint64_t;

/// A table's number: 0 is the dense table (the model's own weights), job.table[i] is i + 1.
using TableId = uint32_t;
inline constexpr TableId kDenseTable = 0;

/// Dense weights travel and live as rows of this many floats; the key of a row is its position.
inline constexpr int kDenseRowDim = 1024;

/// A label or number that is not known.
inline constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

}  // namespace zhiyin
