// How the processor treats denormal numbers.
#pragma once

#include <immintrin.h>

namespace zhiyin {

/// Makes arithmetic of this thread, and of the threads that it starts from now on, take denormal
/// numbers for 0, as operands and as results. They are a hundred times slower than others and mean
/// nothing here. Every command does so, so that all of them compute what training does.
inline void FlushDenormals() {
  constexpr unsigned kFlushToZero = 0x8000;
  constexpr unsigned kDenormalsAreZero = 0x40;
  _mm_setcsr(_mm_getcsr() | kFlushToZero | kDenormalsAreZero);
}

}  // namespace zhiyin
