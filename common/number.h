// Weights in fewer bits: IEEE half precision and bfloat16.
#pragma once

#include <cstddef>
#include <cstdint>

#include "configs/job.pb.h"

namespace zhiyin {

/// Bytes of one number.
inline int BytesOf(NumberType type) {
  return type == FP32 ? 4 : 2;
}

/// n numbers of a type to floats; exact. `from` is aligned to the type. Ranges do not overlap.
void ToFloats(NumberType type, const void* from, size_t n, float* to);

/// n floats to a type, to the nearest, ties to even. What is too large for FP16 becomes infinite.
void FromFloats(NumberType type, const float* from, size_t n, void* to);

/// n floats to a type, to one of the two neighbours, the nearer the likelier, so that the expected
/// value is the float itself (Gupta et al., ICML 2015, section 3): updates smaller than half a unit
/// in the last place are not lost. What is too large for FP16 becomes its largest number. `seed`
/// decides; numbers at different positions are rounded independently. FP32 is copied.
void RoundStochastically(NumberType type, const float* from, size_t n, uint64_t seed, void* to);

}  // namespace zhiyin
