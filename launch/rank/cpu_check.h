// Can this processor run this build?
#pragma once

namespace zhiyin::launch::rank {

/// An extension of the instruction set.
struct CpuFeature {
  const char* name;
  bool needed;   // the compiler was free to use it
  bool present;  // this processor and its system have it
};

/// What this build was compiled for.
struct CpuNeeds {
  bool avx2, fma, bmi2, avx512f, avx512bw, avx512vl;
};
extern const CpuNeeds kCpuNeeds;

/// Writes the names of the features that are needed and not present, a blank between them, to
/// `text`, which has room for `n_text` bytes; returns how many they are.
int MissingFeatures(const CpuFeature* features, int n_features, char* text, int n_text);

/// Ends the process with one line and code 1 when something is missing. It has run before main and
/// before anything else of this program that could meet an instruction that is not there and die of
/// SIGILL; a call links it in.
void CheckCpu();

}  // namespace zhiyin::launch::rank
