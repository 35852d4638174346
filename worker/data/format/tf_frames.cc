#include "worker/data/format/tf_frames.h"

#include <isa-l/crc.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "common/error.h"

namespace zhiyin::worker::data {
namespace {

/// The bytes that are read at a time where records are smaller.
constexpr size_t kTfBufferBytes = 256 << 10;

/// Lengths above it are no lengths. Records between kMaxBytes and this are refused by their length;
/// a file that begins with one is a TFRecord file still.
constexpr uint64_t kPlausibleTfBytes = uint64_t{1} << 40;

static_assert(std::endian::native == std::endian::little, "TFRecord files are little-endian");

template <typename T>
T TfNumberAt(const char* from) {
  T number;
  std::memcpy(&number, from, sizeof(number));
  return number;
}

bool TfChecksumFits(const char* bytes, size_t n) {
  return TfNumberAt<uint32_t>(bytes + n) == TfChecksum({bytes, n});
}

}  // namespace

uint32_t TfChecksum(std::string_view bytes) {
  // The library's type lacks a const, and its CRC the two complements around.
  auto* from = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
  const uint32_t crc = ~crc32_iscsi(from, static_cast<int>(bytes.size()), 0xffffffff);
  return std::rotr(crc, 15) + 0xa282ead8;
}

bool IsTfRecord(std::string_view start) {
  return start.size() >= kTfHeadBytes && TfChecksumFits(start.data(), sizeof(uint64_t)) &&
         TfNumberAt<uint64_t>(start.data()) <= kPlausibleTfBytes;
}

TfFrames::TfFrames(const std::string& path, ReadCounts* counts)
    : file_(path, counts), buffer_(kTfBufferBytes) {}

bool TfFrames::Next(std::string_view* data) {
  if (!Have(kTfHeadBytes)) {
    if (begin_ == end_) return false;
    Refuse("the file ends after ", end_ - begin_, " bytes of it, expected a whole record");
  }
  const char* const head = buffer_.data() + begin_;
  const uint64_t length = TfNumberAt<uint64_t>(head);
  if (!TfChecksumFits(head, sizeof(length))) {
    Refuse("the checksum of its length does not fit, expected a TFRecord file that is ",
           n_read_ == 0 ? "plain or gzip" : "whole");
  }
  if (length > kMaxBytes)
    Refuse("has ", length, " bytes of data, expected ", kMaxBytes, " at most");
  const size_t n_all = kTfHeadBytes + static_cast<size_t>(length) + kTfTailBytes;
  if (!Have(n_all)) {
    Refuse("the file ends after ", end_ - begin_, " bytes of it, expected ", n_all);
  }
  const char* const from = buffer_.data() + begin_ + kTfHeadBytes;
  if (!TfChecksumFits(from, length))
    Refuse("the checksum of its ", length, " bytes of data does not fit, expected a whole file");
  *data = {from, static_cast<size_t>(length)};
  begin_ += n_all;
  offset_ += static_cast<int64_t>(n_all);
  ++n_read_;
  return true;
}

bool TfFrames::Have(size_t n) {
  if (end_ - begin_ >= n) return true;
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (buffer_.size() < n) buffer_.resize(n);
  end_ += file_.Read(buffer_.data() + end_, buffer_.size() - end_);
  return end_ >= n;
}

template <typename... Pieces>
void TfFrames::Refuse(const Pieces&... pieces) const {
  Fail(file_.path(), ": record ", n_read_ + 1, " at byte ", offset_,
       file_.IsPlain() ? ": " : " of the uncompressed data: ", pieces...);
}

}  // namespace zhiyin::worker::data
