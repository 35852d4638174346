#include "common/block_file.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "common/error.h"

namespace zhiyin {
namespace {

constexpr size_t kSumBytes = sizeof(uint64_t);
constexpr int64_t kWholeBlock = kBlockBytes + kSumBytes;

std::string_view Text(const std::byte* bytes, size_t n) { return {reinterpret_cast<const char*>(bytes), n}; }

}  // namespace

BlockWriter::BlockWriter(const std::string& path)
    : file_(path), block_(std::make_unique_for_overwrite<std::byte[]>(kBlockBytes + kSumBytes)) {}

void BlockWriter::Write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const size_t n = std::min(bytes.size(), kBlockBytes - n_used_);
    std::memcpy(block_.get() + n_used_, bytes.data(), n);
    n_used_ += n;
    bytes = bytes.subspan(n);
    if (n_used_ == kBlockBytes) WriteBlock();
  }
}

void BlockWriter::WriteBlock() {
  const uint64_t sum = HashBytes(Text(block_.get(), n_used_), number_++);
  std::memcpy(block_.get() + n_used_, &sum, kSumBytes);
  file_.Write({block_.get(), n_used_ + kSumBytes});
  digest_.Update(std::as_bytes(std::span(&sum, 1)));
  n_used_ = 0;
}

void BlockWriter::Commit() {
  if (n_used_ > 0) WriteBlock();
  file_.Commit();
}

BlockReader::BlockReader(const std::string& path)
    : file_(path), n_file_bytes_(file_.n_left()), block_(std::make_unique_for_overwrite<std::byte[]>(kBlockBytes + kSumBytes)) {
  const int64_t rest = n_file_bytes_ % kWholeBlock;
  if (rest > 0 && rest <= static_cast<int64_t>(kSumBytes))
    Fail(path, ": ", n_file_bytes_, " bytes end within a checksum: the file was cut off, or something was added");
  n_left_ = n_file_bytes_ / kWholeBlock * static_cast<int64_t>(kBlockBytes) + std::max<int64_t>(0, rest - static_cast<int64_t>(kSumBytes));
}

void BlockReader::Read(std::span<std::byte> bytes) {
  if (static_cast<int64_t>(bytes.size()) > n_left_)
    Fail(path(), ": ends at byte ", at_ + n_left_, " of its content, but ", bytes.size(), " more were expected at ", at_);
  n_left_ -= static_cast<int64_t>(bytes.size());
  at_ += static_cast<int64_t>(bytes.size());
  while (!bytes.empty()) {
    if (n_used_ == n_block_) ReadBlock();
    const size_t n = std::min(bytes.size(), n_block_ - n_used_);
    std::memcpy(bytes.data(), block_.get() + n_used_, n);
    n_used_ += n;
    bytes = bytes.subspan(n);
  }
}

void BlockReader::ReadBlock() {
  const int64_t begin = file_.at();
  const size_t n = static_cast<size_t>(std::min(file_.n_left(), kWholeBlock));
  file_.Read({block_.get(), n});
  n_block_ = n - kSumBytes;
  n_used_ = 0;
  uint64_t sum;
  std::memcpy(&sum, block_.get() + n_block_, kSumBytes);
  if (sum != HashBytes(Text(block_.get(), n_block_), number_++))
    Fail(path(), ": damaged: bytes ", begin, " to ", file_.at(), " do not fit their checksum");
  digest_.Update(std::as_bytes(std::span(&sum, 1)));
}

void BlockReader::SkipToEnd() {
  n_left_ = 0;
  while (file_.n_left() > 0) ReadBlock();
  at_ = n_file_bytes_ - static_cast<int64_t>(kSumBytes) * static_cast<int64_t>(number_);
  n_used_ = n_block_;
}

}  // namespace zhiyin
