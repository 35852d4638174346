// Files that are written whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>

#include "common/error.h"

namespace zhiyin {

/// The exception for what the system refuses to do with a file or folder; names both and the cause.
class FileError : public Error {
 public:
  using Error::Error;
};

/// Pieces of at least this size that begin at a page boundary in memory are written and read
/// without a copy in the page cache (O_DIRECT), where the file system can do that and all earlier
/// pieces were like that.
inline constexpr size_t kDirectBytes = size_t{1} << 20;

/// Writes a new file from start to end. Every error, such as a full disk, is a FileError. The
/// destructor removes a file that was not committed. Used by one thread.
class FileWriter {
 public:
  explicit FileWriter(const std::string& path);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  void Write(std::span<const std::byte> bytes);
  /// Puts the file on disk for good. Nothing may be written afterwards.
  void Commit();
  /// Commits the file and renames it to `path`, over a file that is there: readers of `path` see
  /// the old file or the whole new one. REQUIRES: `path` is on the file system of this file.
  void CommitAs(const std::string& path);

  int64_t n_bytes() const { return n_bytes_; }

 private:
  /// Writes bytes that are too many for the buffer.
  void WriteThrough(std::span<const std::byte> bytes);
  std::string path_;
  std::FILE* file_;
  int64_t n_bytes_ = 0;
  bool is_direct_ = true;  // until something does not fit, or the system says no
};

/// Reads a file from start to end. Errors name the file and the offset. Used by one thread.
class FileReader {
 public:
  explicit FileReader(const std::string& path);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  /// Fills all of `bytes` or throws.
  void Read(std::span<std::byte> bytes);
  /// Bytes not yet read.
  int64_t n_left() const { return n_bytes_ - at_; }
  int64_t at() const { return at_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int file_;
  int64_t n_bytes_ = 0;
  int64_t at_ = 0;
  bool is_direct_ = false;
};

/// The absolute path of a file that a relative path names from `folder`.
std::string AbsolutePath(const std::string& folder, const std::string& path);

/// Reads a whole file. Throws Error when it has more than `max_bytes`.
std::string ReadWholeFile(const std::string& path, int64_t max_bytes);

/// Writes a file under a temporary name beside it, then renames it: readers see the old file or the
/// new one, never a part. Throws FileError; a file that could not be written is removed.
void ReplaceFile(const std::string& path, std::string_view content);
/// Replaces a file by what `write` sends to the stream, which throws the FileError of a failed
/// write. What `write` throws is passed on, and leaves the old file as it was.
void ReplaceFile(const std::string& path, const std::function<void(std::ostream&)>& write);

/// Puts renames and new files in a folder on disk for good.
void SyncFolder(const std::string& path);

/// Makes a folder where there is none, on disk for good. Throws Error when its parent does not
/// exist.
void MakeFolder(const std::string& path);
/// Renames a file; replaces a file of the new name. Throws FileError.
void Rename(const std::string& from, const std::string& to);
void RemoveFile(const std::string& path);
/// Removes a file, or a folder with all that is in it; does nothing where there is none.
void RemoveAll(const std::string& path);

/// An operation on files that is about to happen, for tests that make it fail.
struct FileStep {
  enum Kind { kCreate, kWrite, kSync, kRename, kMakeFolder, kRemove, kSyncFolder };
  Kind kind;
  std::string path;
  std::string to;       // of a rename
  int64_t n_bytes = 0;  // of a write
};
/// Sets a function that is called before every step of this process; what it throws is the step's
/// failure. Empty: none. For tests. REQUIRES: no other thread works with files meanwhile.
void WatchFiles(std::function<void(const FileStep&)> watch);

}  // namespace zhiyin
