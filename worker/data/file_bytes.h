// The bytes of one data file, uncompressed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace zhiyin::worker::data {

/// Identifies a version of a file: it is unchanged if its stamp is.
struct FileStamp {
  int64_t n_bytes = 0;
  int64_t mtime_ns = 0;
  uint64_t inode = 0;

  bool operator==(const FileStamp&) const = default;
};

/// Reads a plain or gzip file (distinguished by its first two bytes) from beginning to end. A gzip
/// may have several members. Throws Error, which names the file and, for a gzip, the offset in the
/// compressed file, where it is missing, a folder, unreadable, corrupt, truncated, or changed since
/// it was opened. Used by one thread.
class FileBytes {
 public:
  explicit FileBytes(const std::string& path);
  ~FileBytes();
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;

  /// Fills to[0, n) and returns n; returns less only at the end of the file.
  size_t Read(char* to, size_t n);

  /// Whether Seek may be called: a gzip cannot seek.
  bool CanSeek() const { return inflater_ == nullptr; }
  /// Continues at this byte of the file. Throws Error where the file has changed.
  void Seek(int64_t offset);

  const std::string& path() const { return path_; }
  /// The stamp of the file when it was opened.
  const FileStamp& stamp() const { return stamp_; }

 private:
  struct Inflater;

  size_t ReadRaw(char* to, size_t n);
  size_t ReadGzip(char* to, size_t n);
  /// Throws Error where the file has changed; at_end: or where another number of bytes was read.
  void CheckUnchanged(bool at_end) const;

  std::string path_;
  int fd_ = -1;
  FileStamp stamp_;
  int64_t n_raw_ = 0;                   // bytes of the (compressed) file that were read
  std::unique_ptr<Inflater> inflater_;  // null for a plain file
};

}  // namespace zhiyin::worker::data
