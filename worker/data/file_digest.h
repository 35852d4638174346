// Recognises data files whose content has changed, without reading all of long ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/tick.h"
#include "configs/job.pb.h"
#include "worker/data/split_kind.h"

namespace zhiyin::worker::data {

/// What is remembered of a file, as it is on disk (a compressed one is not decompressed). Equal for
/// a copy of the file, whatever its time.
struct FileDigest {
  std::string path;
  int64_t n_bytes = 0;
  uint64_t digest = 0;  // XXH3 of the sampled bytes, in order

  bool operator==(const FileDigest&) const = default;
};

/// The least and the most bytes of a file that are sampled, and the most of all files together
/// unless that is less than the least of each.
inline constexpr int64_t kMinSampledBytes = int64_t{256} << 10;
inline constexpr int64_t kMaxSampledBytes = int64_t{16} << 20;
inline constexpr int64_t kAllSampledBytes = int64_t{1} << 30;

/// Digests a file of which at most `n_sampled_bytes` are read: all of it where it has no more,
/// otherwise blocks of 64 KiB at equal distances, the first and the last among them. So it differs
/// where the length differs, where a file that is read whole differs anywhere, and where a longer
/// one differs in a sampled block: after an insertion or a removal, that is in all blocks behind
/// it. It does not see a change elsewhere that keeps the length. At most kMinSampledBytes are read
/// of a remote file (IsRemote). Calls `tick` for every block. Throws Error as FileBytes does.
/// REQUIRES: n_sampled_bytes >= kMinSampledBytes.
FileDigest DigestOf(const std::string& path, int64_t n_sampled_bytes, const Tick& tick);

/// The most bytes that are sampled of each of n files: kAllSampledBytes / n, within
/// kMinSampledBytes and kMaxSampledBytes.
int64_t SampledBytes(size_t n_files);

/// The files that the examples of a split are made of: its own, then those of the joins.
std::vector<std::string> FilesOf(const Data& data, SplitKind split);

}  // namespace zhiyin::worker::data
