// Checks that this processor can run this build.
#pragma once

namespace zhiyin::launch::rank {

/// An extension of the instruction set.
struct CpuFeature {
  const char* name;
  bool needed;   // the build may use it
  bool present;  // this processor and its system have it
};

/// The extensions that this build was compiled for.
struct CpuNeeds {
  bool avx2, fma, bmi2, avx512f, avx512bw, avx512vl;
};
extern const CpuNeeds kCpuNeeds;

/// Writes the names of the features that are needed and not present, separated by spaces, to
/// `text`, which has room for `n_text` bytes. Returns their number.
int MissingFeatures(const CpuFeature* features, int n_features, char* text, int n_text);

/// Ends the process with one line and code 1 when a feature is missing. The check runs before main,
/// and before any code of this program that could use a missing instruction and die of SIGILL;
/// calling this function links the check into the program.
void CheckCpu();

}  // namespace zhiyin::launch::rank
