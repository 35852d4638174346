#include <string>
#include <vector>

#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "tests/support/compress.h"
#include "tests/support/files.h"
#include "worker/data/file_bytes.h"

namespace zhiyin::fuzz {
namespace {

constexpr const char* kCompressedName = "compressed-file";
/// A few bytes can hold gigabytes, for which nobody waits here.
constexpr size_t kMostDecoded = 4 << 20;

}  // namespace

/// A data file, compressed by whatever its first bytes say.
int FuzzCompressed(const uint8_t* data, size_t size) {
  static const testing::TempFolder folder(testing::TempFolder::kInMemory);
  const std::string path =
      folder.Write(kCompressedName, {reinterpret_cast<const char*>(data), size});
  Judge(kCompressedName, [&] {
    worker::data::FileBytes file(path);
    std::string piece(10'000, '\0');
    for (size_t n_all = 0; n_all < kMostDecoded; n_all += piece.size())
      if (file.Read(piece.data(), piece.size()) < piece.size()) break;
  });
  return 0;
}

std::vector<std::string> CompressedSeeds() {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "user " + std::to_string(i * i) + ",4\n";
  std::vector<std::string> seeds;
  for (const testing::Compression& compression : testing::Compressions()) {
    seeds.push_back(compression.compress("one\n") + compression.compress(text));
    if (compression.codec == "zstd" || compression.codec == "lz4")
      seeds.push_back(testing::SkippableFrame("skipped") + compression.compress("one\n"));
  }
  return seeds;
}

}  // namespace zhiyin::fuzz
