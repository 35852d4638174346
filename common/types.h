// Basic types that all parts of the program share.
#pragma once

#include <cstdint>
#include <limits>

namespace zhiyin {

/// The key of an embedding row in a table: 64 bits, already hashed, every value allowed.
using Key = uint64_t;

/// The number of a table: 0 for the table `dense` (the dense weights), i + 1 for job.table[i].
using TableId = uint32_t;
inline constexpr TableId kDenseTable = 0;

/// Dense weights are sent and stored as rows of this many floats; the key of a row is its position.
inline constexpr int kDenseRowDim = 1024;

/// The value of a missing label or number.
inline constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

}  // namespace zhiyin
