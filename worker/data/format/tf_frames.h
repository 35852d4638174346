// The records of a TFRecord file, as bytes with checksums. Little-endian:
//   u64 length of the data | u32 checksum of the 8 bytes before | data | u32 checksum of the data
// A checksum is a CRC32C (Castagnoli; RFC 3720, appendix B.4) that is rotated and shifted, so that
// a checksum of data which holds checksums is no weaker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "worker/data/file_bytes.h"

namespace zhiyin::worker::data {

/// The bytes of a record before its data, and behind it.
inline constexpr size_t kTfHeadBytes = sizeof(uint64_t) + sizeof(uint32_t);
inline constexpr size_t kTfTailBytes = sizeof(uint32_t);

/// Returns the checksum of bytes. REQUIRES: fewer than 2^31 of them.
uint32_t TfChecksum(std::string_view bytes);

/// Whether a file that begins with `start` is a TFRecord file: the checksum of a length that may be
/// one fits. Another file passes once in 2^32.
bool IsTfRecord(std::string_view start);

/// Reads the records of a TFRecord file, plain or gzip, in order, and checks their checksums.
/// Throws Error, which names the file, the record from 1, and its offset (in the uncompressed data
/// of a gzip), where a checksum does not fit, a record is longer than kMaxBytes, or the file ends
/// within one; and as FileBytes does. After an Error it is not used any more. Used by one thread.
class TfFrames {
 public:
  /// The longest data of a record. A length is read before its memory is taken.
  static constexpr size_t kMaxBytes = 64 << 20;

  /// `counts` is as in FileBytes.
  explicit TfFrames(const std::string& path, ReadCounts* counts = nullptr);

  /// Sets *data to the data of the next record, valid until the next call; returns false at the end
  /// of the file.
  bool Next(std::string_view* data);

  /// The number of records that were read.
  int64_t n_read() const { return n_read_; }

 private:
  /// Makes `n` bytes from begin_ on available, or those that the file still has; returns whether
  /// there are n.
  bool Have(size_t n);
  /// Throws Error: the record that follows the n_read_ ones is bad.
  template <typename... Pieces>
  [[noreturn]] void Refuse(const Pieces&... pieces) const;

  FileBytes file_;
  std::vector<char> buffer_;
  size_t begin_ = 0;  // of the bytes in the buffer that are not read yet
  size_t end_ = 0;
  int64_t offset_ = 0;  // of the next record in the uncompressed file
  int64_t n_read_ = 0;
};

}  // namespace zhiyin::worker::data
