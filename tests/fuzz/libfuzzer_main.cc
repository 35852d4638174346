// libFuzzer's entry to one target, which the build names.
#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return zhiyin::fuzz::ZHIYIN_FUZZ_TARGET(data, size);
}
