// The bytes of one data file, uncompressed.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/tick.h"
#include "worker/data/codec/decompressor.h"
#include "worker/data/raw_file.h"

namespace zhiyin::worker::data {

/// What was read from data files, of all that were given this object. Threads may share it.
struct ReadCounts {
  std::atomic<int64_t> n_bytes = 0;  // as they are on disk, compressed or not
  std::atomic<int64_t> n_files = 0;  // opened; one that is opened again counts again
};

/// Reads a plain or compressed file from beginning to end. Its first bytes tell which it is, and
/// by which codec it was compressed (worker/data/codec/codec.h). A compressed file may have several
/// members; behind those of a gzip there may be zeros, with which tapes and disk images are filled
/// up. Throws Error, which names the file and, for a compressed one, the offset in it, where it is
/// missing, a folder, a pointer of Git LFS, unreadable, corrupt, truncated, or changed since it was
/// opened. Used by one thread.
class FileBytes {
 public:
  /// The uncompressed bytes from one tick to the next.
  static constexpr int64_t kTickBytes = 4 << 20;

  /// Adds to *counts, which outlives this object; null: counts nothing.
  explicit FileBytes(const std::string& path, ReadCounts* counts = nullptr);
  ~FileBytes() = default;
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;

  /// Sets what is called for every kTickBytes that Read returns or Seek decodes on its way, which
  /// may be gigabytes.
  void SetTick(Tick tick) { tick_ = std::move(tick); }

  /// Fills to[0, n) and returns n; returns less only at the end of the file.
  size_t Read(char* to, size_t n);

  bool IsPlain() const { return decompressor_ == nullptr; }
  /// Whether it is a pipe: what is behind its beginning is read once (Pipe).
  bool IsPipe() const { return raw_->IsPipe(); }
  /// Continues at this byte of the file as Read returns it. A compressed file is decoded from the
  /// present place on, or from the last one of its points before the byte, or from its beginning.
  /// Throws Error where the file has changed.
  void Seek(int64_t offset);
  /// Points of this file, which outlive this object. A plain file needs none.
  void SetPoints(const std::vector<SeekPoint>* points) { points_ = points; }
  /// From now on notes points every so many bytes of the file, where it is compressed by a codec
  /// that has such and is no pipe.
  void NotePoints(int64_t every);
  /// Those that were noted.
  std::vector<SeekPoint> points() const;

  const std::string& path() const { return path_; }
  /// The stamp of the file when it was opened.
  const FileStamp& stamp() const { return stamp_; }

 private:
  size_t ReadRaw(char* to, size_t n);
  void Decompress();
  /// Returns n bytes of the file from `offset` on, or less where it ends before.
  std::string ReadRawAt(int64_t offset, size_t n);
  void Count(int64_t n_bytes, int64_t n_files) const;
  /// Throws Error where the file has changed; at_end: or where another number of bytes was read.
  void CheckUnchanged(bool at_end) const;

  std::string path_;
  ReadCounts* counts_;
  Tick tick_ = [] {};
  int64_t n_since_tick_ = 0;  // bytes
  std::unique_ptr<RawFile> raw_;
  FileStamp stamp_;
  int64_t n_raw_ = 0;             // the byte of the file that is read next
  const Codec* codec_ = nullptr;  // null for a plain file, as is the next
  std::unique_ptr<Decompressor> decompressor_;
  const std::vector<SeekPoint>* points_ = nullptr;
};

}  // namespace zhiyin::worker::data
