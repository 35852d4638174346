// The bytes of one data file as UTF-8, whatever its encoding.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "worker/data/file_bytes.h"

namespace zhiyin::worker::data {

/// Whether files in this encoding can be read: a name that the system's iconv knows.
bool IsKnownEncoding(const std::string& encoding);

/// Reads a file as FileBytes does, and converts it to UTF-8. A byte order mark at the beginning
/// tells the encoding, whatever was said. Where bytes mean nothing in the encoding, the text has
/// the byte 0xff, which is not UTF-8, so that the line is malformed. Throws Error as FileBytes
/// does, and where the file looks like UTF-16 without having been said to be. Used by one thread.
class DecodedBytes {
 public:
  /// `encoding`: "" for UTF-8, or as IsKnownEncoding says. Counts as FileBytes does.
  DecodedBytes(const std::string& path, const std::string& encoding, ReadCounts* counts = nullptr);
  /// Opens a file again that is known to be UTF-8, without reading its beginning.
  DecodedBytes(const std::string& path, ReadCounts* counts);
  ~DecodedBytes();
  DecodedBytes(const DecodedBytes&) = delete;
  DecodedBytes& operator=(const DecodedBytes&) = delete;

  /// Fills to[0, n) and returns n; returns less only at the end of the file.
  size_t Read(char* to, size_t n);

  /// Whether Seek may be called: a file that is converted cannot seek.
  bool CanSeek() const { return converter_ == nullptr; }
  /// Continues at this byte of the file, uncompressed (FileBytes::Seek).
  void Seek(int64_t offset);
  /// The file as it is on disk, compressed or not.
  FileBytes& file() { return file_; }
  const FileBytes& file() const { return file_; }

  const std::string& path() const { return file_.path(); }
  const FileStamp& stamp() const { return file_.stamp(); }

 private:
  class Converter;

  /// Reads bytes of the file as they are: first those that were read to see what it is.
  size_t ReadUnconverted(char* to, size_t n);

  FileBytes file_;
  std::string start_;                     // read from the file and still to be returned
  std::unique_ptr<Converter> converter_;  // null for UTF-8
};

}  // namespace zhiyin::worker::data
