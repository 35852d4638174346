#include "worker/data/file_digest.h"

#include <algorithm>
#include <memory>
#include <span>

#include "common/error.h"
#include "common/hash.h"
#include "worker/data/file_bytes.h"
#include "worker/data/remote_file.h"

namespace zhiyin::worker::data {
namespace {

constexpr int64_t kSampleBytes = int64_t{64} << 10;

}  // namespace

FileDigest DigestOf(const std::string& path, int64_t n_sampled_bytes, const Tick& tick) {
  FileDigest result = {path, FileBytes(path).stamp().n_bytes, 0};
  // Each sample of a remote file is a request.
  if (IsRemote(path)) n_sampled_bytes = kMinSampledBytes;
  const bool is_whole = result.n_bytes <= n_sampled_bytes;
  const int64_t n_samples = is_whole ? (result.n_bytes + kSampleBytes - 1) / kSampleBytes
                                     : n_sampled_bytes / kSampleBytes;
  const std::unique_ptr<RawFile> file = OpenRawFile(path);
  std::vector<char> bytes(static_cast<size_t>(kSampleBytes));
  Digest digest;
  for (int64_t i = 0; i < n_samples; ++i) {
    tick();
    // The distance is a quotient first: the product of a length and a number could overflow.
    const int64_t last = result.n_bytes - kSampleBytes;
    const int64_t begin = is_whole             ? i * kSampleBytes
                          : i == n_samples - 1 ? last
                                               : last / (n_samples - 1) * i;
    const int64_t n = std::min(kSampleBytes, result.n_bytes - begin);
    if (file->ReadAt(begin, bytes.data(), static_cast<size_t>(n)) < static_cast<size_t>(n))
      Fail(path, ": cannot read ", n, " bytes at byte ", begin, ", expected a file that stays");
    digest.Update(std::as_bytes(std::span(bytes.data(), static_cast<size_t>(n))));
  }
  result.digest = digest.Value();
  return result;
}

int64_t SampledBytes(size_t n_files) {
  return std::clamp(kAllSampledBytes / std::max<int64_t>(static_cast<int64_t>(n_files), 1),
                    kMinSampledBytes, kMaxSampledBytes);
}

std::vector<std::string> FilesOf(const Data& data, SplitKind split) {
  const auto& files = SplitOf(data, split).file();
  std::vector<std::string> paths(files.begin(), files.end());
  for (const Join& join : data.join())
    paths.insert(paths.end(), join.file().begin(), join.file().end());
  return paths;
}

}  // namespace zhiyin::worker::data
