// The bytes of one data file as they are stored, wherever that is.
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

/// An open file. Throws Error, which names the file, where it cannot be read. Used by one thread.
class RawFile {
 public:
  virtual ~RawFile() = default;

  /// Fills to[0, n) with the bytes from `offset` on and returns n; returns less only where the file
  /// ends. It costs least to read on where the last call has ended.
  virtual size_t ReadAt(int64_t offset, char* to, size_t n) = 0;
  /// The stamp that the file has now.
  virtual FileStamp Stamp() = 0;
  /// Whether its bytes come once and its number of bytes is not known (pipe.h).
  virtual bool IsPipe() const { return false; }
};

/// Opens a file of this host or of another place (IsRemote), or gives a pipe that is open (Pipe).
/// Throws Error where it is missing, a folder, another pipe, a device, or unreadable.
std::unique_ptr<RawFile> OpenRawFile(const std::string& path);

}  // namespace zhiyin::worker::data
