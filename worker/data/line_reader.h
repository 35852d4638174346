// The lines of one data file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "worker/data/file_bytes.h"

namespace zhiyin::worker::data {

/// Without its end.
struct Line {
  /// Valid until the reader moves on; empty where too_long.
  std::string_view text;
  /// From 1, empty lines included.
  int64_t number = 0;
  /// Longer than LineReader::kMaxBytes, and skipped without being held.
  bool too_long = false;
};

/// Lines end in \n or \r\n, the last one possibly in nothing. Empty lines are passed over; a byte
/// order mark at the start is no part of the first line. Memory is bounded whatever the file holds.
/// Throws what FileBytes throws. One thread.
class LineReader {
 public:
  /// The longest line that is read, its end not counted.
  static constexpr size_t kMaxBytes = 1 << 20;

  explicit LineReader(const std::string& path);

  /// The next line that is not empty; false at the end of the file.
  bool Next(Line* line);
  /// Passes over the next n lines that are not empty; returns how many there were.
  int64_t Skip(int64_t n);

  /// A place between two lines of a plain file.
  struct Place {
    int64_t offset = 0;   // of the next line's first byte
    int64_t n_lines = 0;  // before it
  };
  bool CanSeek() const { return file_.CanSeek(); }
  Place place() const { return {n_bytes_ - static_cast<int64_t>(end_ - begin_), n_lines_}; }
  /// Goes on from there. REQUIRES: CanSeek, and a reader of this file has been there.
  void Seek(const Place& place);

  const std::string& path() const { return file_.path(); }
  const FileStamp& stamp() const { return file_.stamp(); }

 private:
  bool NextMaybeEmpty(Line* line);
  /// Moves what is left to the front of the buffer and reads on; false when the file has ended.
  bool Fill();
  /// Drops the rest of a line that is too long.
  void DropLine();

  FileBytes file_;
  std::vector<char> buffer_;
  // Not yet handed out: buffer_[begin_, end_).
  size_t begin_ = 0;
  size_t end_ = 0;
  bool at_end_ = false;
  int64_t n_bytes_ = 0;  // of the file, up to end_
  int64_t n_lines_ = 0;
};

}  // namespace zhiyin::worker::data
