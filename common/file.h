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

/// The exception for an operation on a file or folder that fails; names the operation, the path and
/// the cause.
class FileError : public Error {
 public:
  using Error::Error;
};

/// Pieces of at least this size that begin at a page boundary in memory are written and read
/// without a copy in the page cache (O_DIRECT), if the file system supports that and all earlier
/// pieces of the file were such pieces.
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
  /// Waits until the file is on disk (fsync). Nothing may be written afterwards.
  void Commit();
  /// Commits the file and renames it to `path`, replacing an existing file: readers of `path` see
  /// the old file or the whole new one. REQUIRES: `path` is on the file system of this file.
  void CommitAs(const std::string& path);

  int64_t n_bytes() const { return n_bytes_; }

 private:
  /// Writes bytes that do not fit into the buffer.
  void WriteThrough(std::span<const std::byte> bytes);
  std::string path_;
  std::FILE* file_;
  int64_t n_bytes_ = 0;
  bool is_direct_ = true;  // O_DIRECT; until a piece does not fit or the system refuses
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
  /// Continues at byte `at` of the file. REQUIRES: it is before the end.
  void SkipTo(int64_t at);
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

/// The scheme of a URL such as s3://bucket/x; "" for a path.
std::string_view SchemeOf(std::string_view name);

/// The absolute path of a file that a relative path names from `folder`.
std::string AbsolutePath(const std::string& folder, const std::string& path);

/// Reads a whole file. Throws Error when it has more than `max_bytes`.
std::string ReadWholeFile(const std::string& path, int64_t max_bytes);

/// Writes a file under a temporary name in its folder, then renames it: readers see the old file or
/// the whole new one. Throws FileError; then the temporary file is removed.
void ReplaceFile(const std::string& path, std::string_view content);
/// Replaces a file by the bytes that `write` writes to the stream, which throws FileError when that
/// fails. Exceptions of `write` are passed on; then the old file is unchanged.
void ReplaceFile(const std::string& path, const std::function<void(std::ostream&)>& write);

/// Waits until renames and new files in a folder are on disk (fsync of the folder).
void SyncFolder(const std::string& path);

/// Makes a folder if it does not exist, and waits until it is on disk. Throws Error when its parent
/// does not exist.
void MakeFolder(const std::string& path);
/// Renames a file; replaces a file of the new name. Throws FileError.
void Rename(const std::string& from, const std::string& to);
void RemoveFile(const std::string& path);
/// Removes a file, or a folder with its contents. Does nothing if the path does not exist.
void RemoveAll(const std::string& path);

/// An operation on files that is about to be done, for tests that make it fail.
struct FileStep {
  enum Kind { kCreate, kWrite, kSync, kRename, kMakeFolder, kRemove, kSyncFolder };
  Kind kind;
  std::string path;
  std::string to;       // of a rename
  int64_t n_bytes = 0;  // of a write
};
/// Sets a function that is called before every step of this process and may throw to make the step
/// fail. An empty function ends this. For tests. REQUIRES: no other thread works with files
/// meanwhile.
void WatchFiles(std::function<void(const FileStep&)> watch);

}  // namespace zhiyin
