// Conversion of floats to and from IEEE half precision and bfloat16.
#pragma once

#include <cstddef>
#include <cstdint>

#include "configs/job.pb.h"

namespace zhiyin {

/// The bytes of one number.
inline int BytesOf(NumberType type) {
  return type == FP32 ? 4 : 2;
}

/// Converts n numbers of a type to floats, exactly. REQUIRES: `from` is aligned to the type; the
/// ranges do not overlap.
void ToFloats(NumberType type, const void* from, size_t n, float* to);

/// Rounds n floats to the nearest numbers of a type, ties to even. Values too large for FP16 become
/// infinite.
void FromFloats(NumberType type, const float* from, size_t n, void* to);

/// Rounds n floats to numbers of a type stochastically: to one of the two neighbours, with
/// probabilities such that the expected value is the float itself (Gupta et al., ICML 2015, section
/// 3). Thus updates smaller than half a unit in the last place are not lost. Values too large for
/// FP16 become its largest number. The result is a function of `seed`; numbers at different
/// positions are rounded independently. FP32 is copied.
void RoundStochastically(NumberType type, const float* from, size_t n, uint64_t seed, void* to);

}  // namespace zhiyin
