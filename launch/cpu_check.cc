#include "launch/cpu_check.h"

#include <cstring>
#include <sys/utsname.h>
#include <unistd.h>

namespace zhiyin::launch {
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

/// Appends what fits, a zero at the end.
void Append(char* text, int n, const char* piece) {
  std::strncat(text, piece, static_cast<size_t>(n) - std::strlen(text) - 1);
}

}  // namespace

int MissingFeatures(std::span<const CpuFeature> features, char* text, int n) {
  int n_missing = 0;
  text[0] = '\0';
  for (const CpuFeature& feature : features) {
    if (!feature.needed || feature.present) continue;
    if (n_missing++ > 0) Append(text, n, " ");
    Append(text, n, feature.name);
  }
  return n_missing;
}

// The earliest that a program may have; the compiler may use nothing here that every x86-64 has not.
__attribute__((constructor(101), target("arch=x86-64"))) void CheckCpu() {
  __builtin_cpu_init();
  const CpuFeature features[] = {
      {"avx2", kAvx2, __builtin_cpu_supports("avx2") != 0},
      {"fma", kFma, __builtin_cpu_supports("fma") != 0},
      {"bmi2", kBmi2, __builtin_cpu_supports("bmi2") != 0},
      {"avx512f", kAvx512f, __builtin_cpu_supports("avx512f") != 0},
      {"avx512bw", kAvx512bw, __builtin_cpu_supports("avx512bw") != 0},
      {"avx512vl", kAvx512vl, __builtin_cpu_supports("avx512vl") != 0},
  };
  char missing[128];
  if (MissingFeatures(features, missing, sizeof(missing)) == 0) return;
  utsname system{};
  uname(&system);
  char line[512] = "zhiyin: error: ";
  Append(line, sizeof(line), system.nodename);
  Append(line, sizeof(line), ": its processor lacks what this build uses (");
  Append(line, sizeof(line), missing);
  Append(line, sizeof(line), "): build with -DZHIYIN_ARCH=x86-64, or leave this host out\n");
  [[maybe_unused]] const ssize_t ignored = write(STDERR_FILENO, line, std::strlen(line));
  _exit(1);
}

}  // namespace zhiyin::launch
