// The lines of one data file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "worker/data/file_bytes.h"

namespace zhiyin::worker::data {

/// A line without its line end.
struct Line {
  /// Valid until the next call of the reader; empty where too_long.
  std::string_view text;
  /// From 1, empty lines included.
  int64_t number = 0;
  /// True for a line longer than LineReader::kMaxBytes, whose text is skipped.
  bool too_long = false;
};

/// Reads the lines of a file. Lines end in \n or \r\n, the last one possibly at the end of the
/// file. Empty lines are skipped, and so is a byte order mark at the beginning. Memory is bounded
/// whatever the file contains. Throws Error as FileBytes does. Used by one thread.
class LineReader {
 public:
  /// The length of the longest line that is read, without its line end.
  static constexpr size_t kMaxBytes = 1 << 20;

  explicit LineReader(const std::string& path);

  /// Reads the next line that is not empty; returns false at the end of the file.
  bool Next(Line* line);
  /// Skips the next n lines that are not empty; returns how many there were.
  int64_t Skip(int64_t n);

  /// A place between two lines of a plain file.
  struct Place {
    int64_t offset = 0;   // of the next line's first byte
    int64_t n_lines = 0;  // before it
  };
  bool CanSeek() const { return file_.CanSeek(); }
  Place place() const { return {n_bytes_ - static_cast<int64_t>(end_ - begin_), n_lines_}; }
  /// Continues at a place. REQUIRES: CanSeek(); a reader of this file returned the place.
  void Seek(const Place& place);

  const std::string& path() const { return file_.path(); }
  const FileStamp& stamp() const { return file_.stamp(); }

 private:
  bool NextMaybeEmpty(Line* line);
  /// Moves the unread bytes to the front of the buffer and reads more; returns false at the end of
  /// the file.
  bool Fill();
  /// Skips the rest of a line that is too long.
  void DropLine();

  FileBytes file_;
  std::vector<char> buffer_;
  // The unread bytes: buffer_[begin_, end_).
  size_t begin_ = 0;
  size_t end_ = 0;
  bool at_end_ = false;
  int64_t n_bytes_ = 0;  // offset of end_ in the file
  int64_t n_lines_ = 0;
};

}  // namespace zhiyin::worker::data
