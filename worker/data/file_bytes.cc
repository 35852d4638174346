#include "worker/data/file_bytes.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "common/error.h"
#include "worker/data/codec/codec.h"

namespace zhiyin::worker::data {
namespace {

/// The beginning of the small file that Git LFS puts in the place of a large one.
constexpr std::string_view kLfsPointer = "version https://git-lfs.github.com/spec/";

}  // namespace

FileBytes::FileBytes(const std::string& path, ReadCounts* counts)
    : path_(path), counts_(counts), raw_(OpenRawFile(path)), stamp_(raw_->Stamp()) {
  Count(0, 1);
  if (ReadRawAt(0, kLfsPointer.size()) == kLfsPointer)
    Fail(path_,
         ": is a pointer of Git LFS, expected the file itself, which \"git lfs pull\" fetches");
  codec_ = RecogniseCodec([this](int64_t offset, size_t n) { return ReadRawAt(offset, n); });
  if (codec_ != nullptr) Decompress();
}

void FileBytes::Decompress() {
  decompressor_ = std::make_unique<Decompressor>(
      *codec_, path_, [this](char* to, size_t n) { return ReadRaw(to, n); });
}

size_t FileBytes::Read(char* to, size_t n) {
  const size_t n_read = decompressor_ ? decompressor_->Read(to, n) : ReadRaw(to, n);
  n_since_tick_ += static_cast<int64_t>(n_read);
  if (n_since_tick_ >= kTickBytes) {
    n_since_tick_ = 0;
    tick_();
  }
  return n_read;
}

size_t FileBytes::ReadRaw(char* to, size_t n) {
  const size_t n_read = raw_->ReadAt(n_raw_, to, n);
  n_raw_ += static_cast<int64_t>(n_read);
  Count(static_cast<int64_t>(n_read), 0);
  if (n_read < n) CheckUnchanged(true);
  return n_read;
}

std::string FileBytes::ReadRawAt(int64_t offset, size_t n) {
  std::string bytes(n, '\0');
  bytes.resize(raw_->ReadAt(offset, bytes.data(), n));
  Count(static_cast<int64_t>(bytes.size()), 0);
  return bytes;
}

void FileBytes::Count(int64_t n_bytes, int64_t n_files) const {
  if (counts_ == nullptr) return;
  counts_->n_bytes.fetch_add(n_bytes, std::memory_order_relaxed);
  counts_->n_files.fetch_add(n_files, std::memory_order_relaxed);
}

void FileBytes::Seek(int64_t offset) {
  CheckUnchanged(false);
  if (IsPlain()) {
    n_raw_ = offset;
    return;
  }
  const SeekPoint* nearest = nullptr;
  if (points_ != nullptr) {
    const auto behind =
        std::upper_bound(points_->begin(), points_->end(), offset,
                         [](int64_t byte, const SeekPoint& point) { return byte < point.n_out; });
    if (behind != points_->begin()) nearest = &*(behind - 1);
  }
  const bool is_behind = decompressor_->n_out() > offset;
  if (nearest != nullptr && (is_behind || nearest->n_out > decompressor_->n_out())) {
    n_raw_ = nearest->n_in;
    decompressor_->GoTo(*nearest);
  } else if (is_behind) {
    n_raw_ = 0;
    Decompress();
  }
  std::array<char, 64 << 10> passed;
  while (const int64_t n = offset - decompressor_->n_out()) {
    const size_t n_here = std::min(static_cast<size_t>(n), passed.size());
    if (Read(passed.data(), n_here) < n_here)
      Fail(path_, ": ends before byte ", offset,
           " of the uncompressed data, expected a file that "
           "stays as it is");
  }
}

void FileBytes::NotePoints(int64_t every) {
  if (decompressor_ != nullptr && !IsPipe()) decompressor_->NotePoints(every);
}

std::vector<SeekPoint> FileBytes::points() const {
  return decompressor_ == nullptr ? std::vector<SeekPoint>() : decompressor_->points();
}

void FileBytes::CheckUnchanged(bool at_end) const {
  if (IsPipe()) return;
  const FileStamp now = raw_->Stamp();
  if ((!at_end || n_raw_ == stamp_.n_bytes) && now == stamp_) return;
  Fail(path_, ": changed while it was read: ", stamp_.n_bytes, " bytes when opened, ", now.n_bytes,
       " now, expected a file that stays as it is");
}

}  // namespace zhiyin::worker::data
