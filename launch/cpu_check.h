// Can this processor run this build?
#pragma once

#include <span>

namespace zhiyin::launch {

/// An extension of the instruction set.
struct CpuFeature {
  const char* name;
  bool needed;   // the compiler was free to use it
  bool present;  // this processor and its system have it
};

/// Plain names of the features that are needed and not present, one blank between them, in `text` of `n` bytes; the
/// number of such features.
int MissingFeatures(std::span<const CpuFeature> features, char* text, int n);

/// Ends the process with one line and code 1 when something is missing. Has been called before main, and before
/// anything else of this program that could meet an instruction that is not there and die of SIGILL: to call it
/// again only links it in.
void CheckCpu();

}  // namespace zhiyin::launch
