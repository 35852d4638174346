// Compiled for any x86-64 (launch/CMakeLists.txt). No templates here: the linker could take another
// file's copy of one, compiled for more.
#include "launch/rank/cpu_check.h"

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace zhiyin::launch::rank {
namespace {

/// Appends what fits, a zero at the end.
void Append(char* text, int n_text, const char* piece) {
  strncat(text, piece, static_cast<size_t>(n_text) - strlen(text) - 1);
}

}  // namespace

int MissingFeatures(const CpuFeature* features, int n_features, char* text, int n_text) {
  int n_missing = 0;
  text[0] = '\0';
  for (int i = 0; i < n_features; ++i) {
    if (!features[i].needed || features[i].present) continue;
    if (n_missing++ > 0) Append(text, n_text, " ");
    Append(text, n_text, features[i].name);
  }
  return n_missing;
}

// 101 is the earliest that a program may have.
__attribute__((constructor(101))) void CheckCpu() {
  __builtin_cpu_init();
  const CpuFeature features[] = {
      {"avx2", kCpuNeeds.avx2, __builtin_cpu_supports("avx2") != 0},
      {"fma", kCpuNeeds.fma, __builtin_cpu_supports("fma") != 0},
      {"bmi2", kCpuNeeds.bmi2, __builtin_cpu_supports("bmi2") != 0},
      {"avx512f", kCpuNeeds.avx512f, __builtin_cpu_supports("avx512f") != 0},
      {"avx512bw", kCpuNeeds.avx512bw, __builtin_cpu_supports("avx512bw") != 0},
      {"avx512vl", kCpuNeeds.avx512vl, __builtin_cpu_supports("avx512vl") != 0},
  };
  constexpr int kFeatures = sizeof(features) / sizeof(features[0]);
  char missing[128];
  if (MissingFeatures(features, kFeatures, missing, sizeof(missing)) == 0) return;
  utsname system{};
  uname(&system);
  char line[512] = "zhiyin: error: ";
  Append(line, sizeof(line), system.nodename);
  Append(line, sizeof(line), ": its processor lacks what this build uses (");
  Append(line, sizeof(line), missing);
  Append(line, sizeof(line), "): build with -DZHIYIN_ARCH=x86-64, or leave this host out\n");
  [[maybe_unused]] const ssize_t ignored = write(STDERR_FILENO, line, strlen(line));
  _exit(1);
}

}  // namespace zhiyin::launch::rank
