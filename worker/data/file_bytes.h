// The bytes of one data file, uncompressed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace zhiyin::worker::data {

/// Tells whether a file is still the one that was seen before.
struct FileStamp {
  int64_t n_bytes = 0;
  int64_t mtime_ns = 0;
  uint64_t inode = 0;

  bool operator==(const FileStamp&) const = default;
};

/// A plain or gzip file (told apart by its first two bytes), from its start to its end. A gzip may
/// have several members. Every mistake is an Error that names the file, in a gzip also the byte of
/// the compressed file: missing, a folder, unreadable, corrupt, truncated, changed since it was
/// opened. One thread.
class FileBytes {
 public:
  explicit FileBytes(const std::string& path);
  ~FileBytes();
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;

  /// Fills to[0, n) and returns n; less only at the end of the file.
  size_t Read(char* to, size_t n);

  /// Whether Seek may be called: not on a gzip.
  bool CanSeek() const { return inflater_ == nullptr; }
  /// The next Read begins at this byte of the file. Throws Error when the file has changed.
  void Seek(int64_t offset);

  const std::string& path() const { return path_; }
  /// When it was opened.
  const FileStamp& stamp() const { return stamp_; }

 private:
  struct Inflater;

  size_t ReadRaw(char* to, size_t n);
  size_t ReadGzip(char* to, size_t n);
  /// At its end (at_end), or anywhere.
  void CheckUnchanged(bool at_end) const;

  std::string path_;
  int fd_ = -1;
  FileStamp stamp_;
  int64_t n_raw_ = 0;                   // bytes of the file itself that were read
  std::unique_ptr<Inflater> inflater_;  // only of a gzip
};

}  // namespace zhiyin::worker::data
