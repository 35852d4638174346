// Compiled as all of the program is, unlike cpu_check.cc.
#include "launch/rank/cpu_check.h"

namespace zhiyin::launch::rank {
namespace {

#ifdef __AVX2__
constexpr bool kAvx2 = true;
#else
constexpr bool kAvx2 = false;
#endif
#ifdef __FMA__
constexpr bool kFma = true;
#else
constexpr bool kFma = false;
#endif
#ifdef __BMI2__
constexpr bool kBmi2 = true;
#else
constexpr bool kBmi2 = false;
#endif
#ifdef __AVX512F__
constexpr bool kAvx512f = true;
#else
constexpr bool kAvx512f = false;
#endif
#ifdef __AVX512BW__
constexpr bool kAvx512bw = true;
#else
constexpr bool kAvx512bw = false;
#endif
#ifdef __AVX512VL__
constexpr bool kAvx512vl = true;
#else
constexpr bool kAvx512vl = false;
#endif

}  // namespace

constinit const CpuNeeds kCpuNeeds = {kAvx2, kFma, kBmi2, kAvx512f, kAvx512bw, kAvx512vl};

}  // namespace zhiyin::launch::rank
